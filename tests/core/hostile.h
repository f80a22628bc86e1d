// Loads and runs a file nobody can trust, with every buffer exactly as large
// as the core asked for, so that a sanitizer sees the first byte beyond.
#ifndef HOSTILE_H
#define HOSTILE_H
#include <stddef.h>
#include <stdint.h>

// Checks, loads and runs a model file; returns what the check returned.
int32_t hostile_model(const uint8_t *file, size_t n);
// The same for a FEAT section; the window's frames are drawn from its bytes.
int32_t hostile_features(const uint8_t *feat, size_t n);

#endif

// Damages files in every way that is short enough to try completely: cut at
// every byte, every bit flipped, every byte, 16-bit and 32-bit field set to
// hostile values. Prints how many files were refused and how many were taken
// (and run); a sanitizer ends the process where one does harm.
//   mutate model|features FILE...
//   mutate asis FILE...    models, as they are
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostile.h"

enum { FILE_MAX = 1 << 16, FILE_BYTES_AT = 8 };

typedef int32_t (*subject_t)(const uint8_t *file, size_t n);

static long taken, refused;

static void attempt(subject_t subject, const uint8_t *file, size_t n) {
    if (subject(file, n) >= 0) {
        taken++;
    } else {
        refused++;
    }
}

static void cut(subject_t subject, const uint8_t *file, size_t n) {
    uint8_t copy[FILE_MAX];
    for (size_t i = 0; i < n; i++) {
        attempt(subject, file, i);
        memcpy(copy, file, i);
        if (i >= FILE_BYTES_AT + 4) {   // says itself that it is shorter
            uint32_t says = (uint32_t)i;
            memcpy(copy + FILE_BYTES_AT, &says, 4);
            attempt(subject, copy, i);
        }
    }
}

static void set_fields(subject_t subject, uint8_t *file, size_t n, size_t width) {
    static const uint32_t values[] = {
        0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 64, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000,
        0xFFFF, 0x10000, 0x3FFFFFFF, 0x40000000, 0x7FFFFFFC, 0x7FFFFFFF, 0x80000000, 0x80000001,
        0xFFFF8000, 0xFFFFFF80, 0xFFFFFFE1, 0xFFFFFFE0, 0xFFFFFFFC, 0xFFFFFFFE, 0xFFFFFFFF,
    };
    for (size_t at = 0; at + width <= n; at += width) {
        uint8_t old[4];
        memcpy(old, file + at, width);
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            memcpy(file + at, &values[i], width);
            attempt(subject, file, n);
        }
        memcpy(file + at, old, width);
    }
}

static void flip_bits(subject_t subject, uint8_t *file, size_t n) {
    for (size_t at = 0; at < n; at++) {
        for (int bit = 0; bit < 8; bit++) {
            file[at] = (uint8_t)(file[at] ^ 1 << bit);
            attempt(subject, file, n);
            file[at] = (uint8_t)(file[at] ^ 1 << bit);
        }
    }
}

int main(int argc, char **argv) {
    subject_t subject = argc > 1 && strcmp(argv[1], "features") == 0 ? hostile_features
                                                                     : hostile_model;
    int as_is = argc > 1 && strcmp(argv[1], "asis") == 0;
    for (int i = 2; i < argc; i++) {
        uint8_t file[FILE_MAX];
        FILE *f = fopen(argv[i], "rb");
        size_t n = f != NULL ? fread(file, 1, sizeof file, f) : 0;
        if (as_is && n != 0) {
            fclose(f);
            attempt(subject, file, n);
            continue;
        }
        if (n == 0 || subject(file, n) < 0) {
            fprintf(stderr, "%s: not a valid file to begin with\n", argv[i]);
            return 1;
        }
        fclose(f);
        cut(subject, file, n);
        flip_bits(subject, file, n);
        set_fields(subject, file, n, 1);
        set_fields(subject, file, n, 2);
        set_fields(subject, file, n, 4);
    }
    printf("%ld refused, %ld taken\n", refused, taken);
    return 0;
}

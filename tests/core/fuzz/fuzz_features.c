// libFuzzer target: a FEAT section that nobody can trust is checked and run.
#include "../hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    hostile_features(data, n);
    return 0;
}

// libFuzzer target: a model file that nobody can trust is checked, loaded, run.
#include "../hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    hostile_model(data, n);
    return 0;
}

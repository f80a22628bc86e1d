// Where libFuzzer is missing: calls a target with random damage of the corpus.
// No coverage guides it, so it needs more runs for the same findings.
//   loop -runs=N -seed=S FILE...
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static uint32_t state = 1;

static uint32_t draw(uint32_t below) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % below;
}

// One to eight changes: a bit, a byte, a field of hostile size, a cut, a copy.
static size_t damage(uint8_t *data, size_t n) {
    static const uint32_t hostile[] = {0, 1, 4, 0x7F, 0x80, 0xFFFF, 0x7FFFFFFF, 0x80000000, ~0u};
    for (uint32_t k = 1 + draw(8); k > 0 && n >= 8; k--) {
        uint32_t at = draw((uint32_t)n - 4), value = hostile[draw(9)];
        switch (draw(6)) {
        case 0:
            data[at] = (uint8_t)(data[at] ^ 1u << draw(8));
            break;
        case 1:
            data[at] = (uint8_t)draw(256);
            break;
        case 2:
            memcpy(data + at / 4 * 4, &value, 4);
            break;
        case 3:
            memcpy(data + at / 2 * 2, &value, 2);
            break;
        case 4:
            memmove(data + at / 4 * 4, data + draw((uint32_t)n - 4) / 4 * 4, 4);
            break;
        default:
            n -= draw(16) == 0 ? draw((uint32_t)n / 2) : 0;
        }
    }
    return n;
}

int main(int argc, char **argv) {
    long runs = 0;
    int first = 1;
    for (; first < argc && argv[first][0] == '-'; first++) {
        if (sscanf(argv[first], "-runs=%ld", &runs) == 0) {
            sscanf(argv[first], "-seed=%u", &state);
        }
    }
    state = state != 0 ? state : 1;
    for (long i = 0; first < argc && i < runs; i++) {
        uint8_t data[INPUT_MAX];
        FILE *f = fopen(argv[first + (int)draw((uint32_t)(argc - first))], "rb");
        if (f == NULL) {
            return 2;
        }
        size_t n = fread(data, 1, sizeof data, f);
        fclose(f);
        LLVMFuzzerTestOneInput(data, damage(data, n));
    }
    fprintf(stderr, "Done %ld runs\n", first < argc ? runs : 0);
    return first < argc ? 0 : 2;
}

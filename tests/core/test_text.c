#include <string.h>

#include "ts.h"
#include "unit.h"

static void every_error_has_its_text(void) {
#define X(name, code, text) CHECK_EQ(strcmp(ts_error_text(code), text), 0);
#include "errors.def"
#undef X
    static const int32_t others[] = {0, 1, -100, INT32_MIN, INT32_MAX, -257};
    for (size_t i = 0; i < COUNT(others); i++) {
        CHECK_EQ(strcmp(ts_error_text(others[i]), "unknown error"), 0);
    }
}

static void crc_is_the_common_one(void) {
    static const char check[] = "123456789";
    CHECK_EQ(ts_crc32(0, check, 9), 0xCBF43926);
    CHECK_EQ(ts_crc32(0, check, 0), 0);
    CHECK_EQ(ts_crc32(ts_crc32(0, check, 4), check + 4, 5), 0xCBF43926);
}

void test_text(void) {
    every_error_has_its_text();
    crc_is_the_common_one();
    CHECK_EQ(strlen(ts_kernels()) > 0, 1);
}

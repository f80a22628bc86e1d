#include "ts.h"

// Codes and messages lie in two flat arrays: a table of pointers would need
// relocation, which native modules do not get.
const char *ts_error_text(int32_t code) {
#define X(name, code, text) code,
    static const int8_t codes[] = {
#include "errors.def"
    };
#undef X
#define X(name, code, text) text "\0"
    static const char texts[] =
#include "errors.def"
        "unknown error";
#undef X
    const char *text = texts;
    for (size_t i = 0; i < sizeof codes; i++) {
        if (codes[i] == code) {
            return text;
        }
        while (*text++ != 0) {
        }
    }
    return text;
}

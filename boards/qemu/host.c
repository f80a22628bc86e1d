// The emulator's arguments, `-semihosting-config arg=tinysense,arg=name=text,...`.
#include <string.h>
#include "emulated.h"

static const char *arguments(void) {
    static char text[1024];
    if (text[0] == '\0') {
        uintptr_t where[2] = { (uintptr_t)text, sizeof(text) };
        if (soc_host_call(HOST_ARGUMENTS, where) != 0) {
            text[0] = ' ';
            text[1] = '\0';
        }
    }
    return text;
}

const char *host_argument(const char *name, size_t *length) {
    size_t n = strlen(name);
    for (const char *at = arguments(); *at != '\0';) {
        size_t word = 0;
        while (at[word] != '\0' && at[word] != ' ') {
            ++word;
        }
        if (word > n && strncmp(at, name, n) == 0 && at[n] == '=') {
            *length = word - n - 1;
            return at + n + 1;
        }
        at += word;
        while (*at == ' ') {
            ++at;
        }
    }
    return NULL;
}

uint32_t host_number(const char *name, uint32_t otherwise) {
    size_t n;
    const char *digits = host_argument(name, &n);
    if (digits == NULL) {
        return otherwise;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < n && digits[i] >= '0' && digits[i] <= '9'; ++i) {
        value = value * 10 + (uint32_t)(digits[i] - '0');
    }
    return value;
}

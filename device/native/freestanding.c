// The functions of the C library that compilers call by themselves: a native
// module has no library, so memory goes through the firmware's function table.
#include "py/dynruntime.h"

#undef memcpy
#undef memmove
#undef memset

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
size_t strlen(const char *text);

void *memcpy(void *to, const void *from, size_t n) {
    return mp_fun_table.memmove_(to, from, n);
}

void *memmove(void *to, const void *from, size_t n) {
    return mp_fun_table.memmove_(to, from, n);
}

void *memset(void *to, int value, size_t n) {
    return mp_fun_table.memset_(to, value, n);
}

size_t strlen(const char *text) {
    const char *end = text;
    while (*end != '\0') {
        ++end;
    }
    return (size_t)(end - text);
}

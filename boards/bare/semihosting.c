// Files, output and the end of a program, through Arm's semihosting calls (the
// document "Semihosting for AArch32 and AArch64"; RISC-V took them over).
#include <string.h>
#include "machine.h"

intptr_t semihosting_call(uintptr_t op, const void *arguments);

enum { SYS_OPEN = 1, SYS_CLOSE = 2, SYS_WRITE0 = 4, SYS_WRITE = 5, SYS_READ = 6,
    SYS_EXIT_EXTENDED = 0x20, APPLICATION_EXIT = 0x20026 };

void machine_exit(int32_t status) {
    uintptr_t block[2] = {APPLICATION_EXIT, (uintptr_t)status};
    for (;;) {
        semihosting_call(SYS_EXIT_EXTENDED, block);
    }
}

void machine_print(const char *text) {
    semihosting_call(SYS_WRITE0, text);
}

intptr_t machine_open(const char *path, int32_t mode) {
    uintptr_t block[3] = {(uintptr_t)path, (uintptr_t)mode, strlen(path)};
    return semihosting_call(SYS_OPEN, block);
}

int32_t machine_read(intptr_t file, void *bytes, uint32_t n) {
    uintptr_t block[3] = {(uintptr_t)file, (uintptr_t)bytes, n};
    return n == 0 ? 0 : (int32_t)semihosting_call(SYS_READ, block);
}

int32_t machine_write(intptr_t file, const void *bytes, uint32_t n) {
    uintptr_t block[3] = {(uintptr_t)file, (uintptr_t)bytes, n};
    return n == 0 ? 0 : (int32_t)semihosting_call(SYS_WRITE, block);
}

void machine_close(intptr_t file) {
    uintptr_t block[1] = {(uintptr_t)file};
    semihosting_call(SYS_CLOSE, block);
}

uint8_t *machine_memory(uint32_t *bytes) {
    *bytes = BIG_BYTES;
    return (uint8_t *)BIG;
}

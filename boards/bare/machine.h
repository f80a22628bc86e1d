// What a program without an operating system needs of its machine. start_*.c
// provide it; the program provides main().
#ifndef MACHINE_H
#define MACHINE_H
#include <stdint.h>

// Virtual time in ns. With -icount shift=n an instruction takes exactly 2^n;
// 0 where nothing counts.
uint64_t machine_ns(void);
void machine_exit(int32_t status) __attribute__((noreturn));
void machine_print(const char *text);

// Files of the computer that runs the emulator, in its working folder.
enum { MACHINE_READ = 1, MACHINE_WRITE = 5 };           // "rb" and "wb"
intptr_t machine_open(const char *path, int32_t mode);  // negative: no such file
// 0 when all n bytes were read or written.
int32_t machine_read(intptr_t file, void *bytes, uint32_t n);
int32_t machine_write(intptr_t file, const void *bytes, uint32_t n);
void machine_close(intptr_t file);

// Memory for what is large.
uint8_t *machine_memory(uint32_t *bytes);

#endif

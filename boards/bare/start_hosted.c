// The same programs on this computer, under its operating system.
#include <stdio.h>
#include <stdlib.h>
#include "machine.h"

static FILE *files[8];

uint64_t machine_ns(void) {
    return 0;
}

void machine_exit(int32_t status) {
    exit(status);
}

void machine_print(const char *text) {
    fputs(text, stdout);
}

intptr_t machine_open(const char *path, int32_t mode) {
    for (intptr_t i = 0; i < 8; i++) {
        if (files[i] == NULL) {
            files[i] = fopen(path, mode == MACHINE_READ ? "rb" : "wb");
            return files[i] == NULL ? -1 : i;
        }
    }
    return -1;
}

int32_t machine_read(intptr_t file, void *bytes, uint32_t n) {
    return fread(bytes, 1, n, files[file]) == n ? 0 : -1;
}

int32_t machine_write(intptr_t file, const void *bytes, uint32_t n) {
    int32_t short_by = fwrite(bytes, 1, n, files[file]) == n ? 0 : -1;
    return fflush(files[file]) == 0 ? short_by : -1;
}

void machine_close(intptr_t file) {
    fclose(files[file]);
    files[file] = NULL;
}

uint8_t *machine_memory(uint32_t *bytes) {
    static uint8_t *memory;
    *bytes = BIG_BYTES;
    memory = memory != NULL ? memory : malloc(BIG_BYTES);
    return memory;
}

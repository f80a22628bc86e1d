// Where everything in the boot ROM is found: vectors and well-known words at
// address 0 (RP2040 data sheet, 2.8.2), tables of functions and data (2.8.3).
.syntax unified
.cpu cortex-m0plus
.thumb

.section .vectors, "a"
    .word 0x20042000            // stack: end of RAM
    .word reset
    .word hang                  // NMI
    .word hang                  // HardFault
    .byte 'M', 'u', 0x01, 3     // magic, version of the ROM
    .hword functions
    .hword data
    .hword rom_table_lookup + 1 // Thumb

.section .tables, "a"
.macro entry first, second, address
    .byte \first, \second
    .hword \address
.endm
    .balign 4
functions:
    entry 'P', '3', rom_popcount32 + 1
    entry 'R', '3', rom_reverse32 + 1
    entry 'L', '3', rom_clz32 + 1
    entry 'T', '3', rom_ctz32 + 1
    entry 'M', 'S', memset + 1
    entry 'S', '4', memset + 1
    entry 'M', 'C', memcpy + 1
    entry 'C', '4', memcpy + 1
    entry 'I', 'F', rom_flash_nothing + 1   // connect_internal_flash
    entry 'E', 'X', rom_flash_nothing + 1   // flash_exit_xip
    entry 'F', 'C', rom_flash_nothing + 1   // flash_flush_cache
    entry 'C', 'X', rom_flash_nothing + 1   // flash_enter_cmd_xip
    entry 'R', 'E', rom_flash_range_erase + 1
    entry 'R', 'P', rom_flash_range_program + 1
    entry 'U', 'B', rom_reset_to_usb_boot + 1
    .word 0
data:
    entry 'S', 'F', float_table
    entry 'S', 'D', double_table
    .word 0

// Offsets in arithmetic tables: pico-sdk, pico/bootrom/sf_table.h. Comparisons,
// roots, trigonometry and fixed point are absent: MicroPython brings its own.
.macro arithmetic p, other
    .word \p\()_add, \p\()_sub, \p\()_mul, \p\()_div                        // 0x00
    .word rom_missing, rom_missing, rom_missing, \p\()_to_int               // 0x10
    .word rom_missing, \p\()_to_uint, rom_missing, \p\()_from_int           // 0x20
    .word rom_missing, \p\()_from_uint, rom_missing, rom_missing            // 0x30
    .word rom_missing, rom_missing, rom_missing, rom_missing                // 0x40
    .word rom_missing, rom_missing, rom_missing, \p\()_from_int64           // 0x50
    .word rom_missing, \p\()_from_uint64, rom_missing, \p\()_to_int64       // 0x60
    .word rom_missing, \p\()_to_uint64, rom_missing, \other                 // 0x70
.endm
    .balign 4
    .hword 0
    .byte 0x20, 0               // words in each table
float_table:
    arithmetic f, f_to_double
double_table:
    arithmetic d, d_to_float

.section .text.reset, "ax"
.global reset
.thumb_func
reset:                          // into the second stage, at the start of flash
    movs r0, #0
    mov lr, r0
    ldr r0, =0x10000001
    bx r0
.thumb_func
hang:
    b hang

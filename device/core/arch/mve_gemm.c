// Helium inner loops. They use every register there is (VMLADAVA adds to even
// ones only, so eight sums leave six registers for all else), hence assembly.
#include "mve.h"

#if TS_TARGET == TS_TARGET_MVE && (TS_WITH_PACKED_CONV_2D || TS_WITH_PACKED_DEPTHWISE_CONV_2D \
    || TS_WITH_PACKED_FULLY_CONNECTED)

// Fields of the jobs, in bytes; those of ts_mve_depthwise_t where they differ.
#define AT_X "#12"
#define AT_X_PITCH "#16"
#define AT_Y "#20"
#define AT_Y_PITCH "#24"
#define AT_W "#28"
#define AT_LOW "#32"
#define AT_HIGH "#36"
#define AT_POSITIONS "#40"

// Calls of these take a pointer in r0 and keep all registers but r0-r3, r12.
#define ENTER "push {r4-r11, lr}\nvpush {d8-d15}\n"
#define LEAVE "vpop {d8-d15}\npop {r4-r11, pc}\n"

// Four sums in a vector; lanes 0, 2 and 1, 3 travel together, and whatever the
// order of the lanes in the text suggests, the first register is the lower one's.
#define GATHER(q, a, b, c, d) \
    "vmov " #q "[2], " #q "[0], " #a ", " #c "\n" \
    "vmov " #q "[3], " #q "[1], " #b ", " #d "\n"

// sum * mult / 2^31, rounded, then shifted right with halves away from zero:
// VRSHL rounds halves up, so 1 is taken off negatives, unless there is no
// shift. Equal to ts_scale_twice for shifts of 0 .. -31. `t` is lost.
#define TWICE(q, t, mult, shift) \
    "vqrdmulh.s32 " #q ", " #q ", " #mult "\n" \
    "vand " #t ", " #q ", " #shift "\n" \
    "vshr.s32 " #t ", " #t ", #31\n" \
    "vadd.i32 " #q ", " #q ", " #t "\n" \
    "vrshl.s32 " #q ", " #q ", " #shift "\n"

// floor(sum * mult / 2^31) keeps all that one rounding to a multiple of 2 or
// more of it needs. Equal to ts_scale_once for shifts of -1 .. -31.
#define ONCE(q, t, mult, shift) \
    "vqdmulh.s32 " #q ", " #q ", " #mult "\n" \
    "vrshl.s32 " #q ", " #q ", " #shift "\n"

// Sixteen products for each of two rows and one output.
#define DOT2(w, a, b) \
    "vldrb.8 " #w ", [r5], #16\n" \
    "vmladava.s8 " #a ", q0, " #w "\n" \
    "vmladava.s8 " #b ", q1, " #w "\n"

// The same for four outputs.
#define BLOCK2 \
    "vldrb.8 q0, [r9], #16\n" \
    "vldrb.8 q1, [r11], #16\n" \
    DOT2(q2, r0, r8) \
    DOT2(q3, r2, r10) \
    DOT2(q2, r4, r12) \
    DOT2(q3, r6, lr)

// r1, r3: rows of y; r5: weights; r7: bytes left; r9, r11: rows of x.
__attribute__((naked)) void ts_mve_gemm2(__attribute__((unused)) const ts_mve_gemm_t *job) {
    __asm__ volatile(
        ENTER
        "ldr r9, [r0, " AT_X "]\n"
        "ldr r11, [r0, " AT_X_PITCH "]\n"
        "add r11, r9\n"
        "ldr r5, [r0, " AT_W "]\n"
        "ldr r1, [r0, " AT_Y "]\n"
        "ldr r3, [r0, " AT_Y_PITCH "]\n"
        "add r3, r1\n"
        "ldr r2, [r0, " AT_LOW "]\n"
        "vdup.16 q6, r2\n"
        "ldr r2, [r0, " AT_HIGH "]\n"
        "vdup.16 q7, r2\n"
        "ldm r0, {r2, r4, r7}\n"        // zero, outputs, bytes
        "add r4, r1\n"                  // end of y's first row
        "push {r2, r4, r7}\n"
        "1: ldm r5, {r8, r10, r12, lr}\n"
        "ldm r5!, {r0, r2, r4, r6}\n"
        "vldrw.32 q4, [r5], #16\n"
        "vldrw.32 q5, [r5], #16\n"
        "tst r7, #16\n"
        "beq 2f\n"
        BLOCK2
        "subs r7, #16\n"
        "beq 4f\n"
        "2:\n"
        BLOCK2
        BLOCK2
        "subs r7, #32\n"
        "bne 2b\n"
        "4:\n"
        GATHER(q0, r0, r2, r4, r6)
        GATHER(q1, r8, r10, r12, lr)
        "ldm sp, {r0, r2, r7}\n"
        "subs r9, r9, r7\n"
        "subs r11, r11, r7\n"
        TWICE(q0, q2, q4, q5)
        TWICE(q1, q3, q4, q5)
        "vqmovnb.s32 q0, q0\n"          // rows alternate in 16-bit lanes
        "vqmovnt.s32 q0, q1\n"
        "vmax.s16 q0, q0, q6\n"
        "vmin.s16 q0, q0, q7\n"
        "vadd.i16 q0, q0, r0\n"
        "sub r2, r2, r1\n"              // outputs left
        "cmp r2, #4\n"
        "blt 3f\n"
        "vstrb.32 q0, [r1], #4\n"
        "vshr.u32 q0, q0, #16\n"
        "vstrb.32 q0, [r3], #4\n"
        "bgt 1b\n"
        "add sp, #12\n"
        LEAVE
        "3: vctp.32 r2\n"
        "vpst\n"
        "vstrbt.32 q0, [r1]\n"
        "vshr.u32 q0, q0, #16\n"
        "vpst\n"
        "vstrbt.32 q0, [r3]\n"
        "add sp, #12\n"
        LEAVE);
}

#define DOT1(a) \
    "vldrb.8 q1, [r5], #16\n" \
    "vmladava.s8 " #a ", q0, q1\n"

// r1: y; r3: blocks; r5: weights; r7: bytes; r8: zero; r9: x; r10: outputs left.
#define GEMM1(SCALE) \
    ENTER \
    "ldr r9, [r0, " AT_X "]\n" \
    "ldr r5, [r0, " AT_W "]\n" \
    "ldr r1, [r0, " AT_Y "]\n" \
    "ldr r2, [r0, " AT_LOW "]\n" \
    "vdup.32 q6, r2\n" \
    "ldr r2, [r0, " AT_HIGH "]\n" \
    "vdup.32 q7, r2\n" \
    "ldrd r8, r10, [r0]\n" \
    "ldr r7, [r0, #8]\n" \
    "lsrs r3, r7, #4\n" \
    "1: ldm r5!, {r0, r2, r4, r6}\n" \
    "vldrw.32 q4, [r5], #16\n" \
    "vldrw.32 q5, [r5], #16\n" \
    "dls lr, r3\n" \
    "2: vldrb.8 q0, [r9], #16\n" \
    DOT1(r0) DOT1(r2) DOT1(r4) DOT1(r6) \
    "le lr, 2b\n" \
    "subs r9, r9, r7\n" \
    GATHER(q0, r0, r2, r4, r6) \
    SCALE(q0, q1, q4, q5) \
    "vmax.s32 q0, q0, q6\n" \
    "vmin.s32 q0, q0, q7\n" \
    "vadd.i32 q0, q0, r8\n" \
    "vctp.32 r10\n" \
    "vpst\n" \
    "vstrbt.32 q0, [r1], #4\n" \
    "subs r10, #4\n" \
    "bgt 1b\n" \
    LEAVE

__attribute__((naked)) void ts_mve_gemm1(__attribute__((unused)) const ts_mve_gemm_t *job) {
    __asm__ volatile(GEMM1(TWICE));
}

__attribute__((naked)) void ts_mve_gemm1_once(__attribute__((unused)) const ts_mve_gemm_t *job) {
    __asm__ volatile(GEMM1(ONCE));
}

// Sixteen taps of one channel; x goes on to the next position.
#define STEP_ANY(x) "vldrb.8 q0, [" #x "]\nadd " #x ", r8\n"
#define STEP_1(x) "vldrb.8 q0, [" #x "], #1\n"
#define STEP_3(x) "vldrb.8 q0, [" #x "], #3\n"
#define STEP_6(x) "vldrb.8 q0, [" #x "], #6\n"
#define TAPS(STEP, x, a, w) STEP(x) "vmladava.s8 " #a ", q0, " #w "\n"

// r1: y; r3, r5, r7, r9: x of four channels; r8: x_step; r10: the group;
// r11: y_pitch; r12: zero. On the stack: x, y, channels left, the job.
#define DEPTHWISE(STEP) \
    ENTER \
    "ldr r3, [r0, " AT_X "]\n" \
    "ldr r4, [r0, " AT_Y "]\n" \
    "ldr r6, [r0, #4]\n" \
    "ldr r8, [r0, " AT_X_PITCH "]\n"    /* there: x_step */ \
    "ldr r10, [r0, " AT_W "]\n" \
    "ldr r11, [r0, " AT_Y_PITCH "]\n" \
    "ldr r12, [r0]\n" \
    "ldrd r1, r2, [r0, " AT_LOW "]\n" \
    "vdup.32 q2, r1\n" \
    "vdup.32 q3, r2\n" \
    "mov r7, r0\n" \
    "sub sp, #16\n" \
    "1: vctp.32 r6\n" \
    "stm sp, {r3, r4, r6, r7}\n" \
    "mov r1, r4\n" \
    "ldr lr, [r7, " AT_POSITIONS "]\n" \
    "ldr r2, [r7, #8]\n" \
    "add r5, r3, r2\n" \
    "add r7, r5, r2\n" \
    "add r9, r7, r2\n" \
    "vldrb.8 q4, [r10, #48]\n" \
    "vldrb.8 q5, [r10, #64]\n" \
    "vldrb.8 q6, [r10, #80]\n" \
    "vldrb.8 q7, [r10, #96]\n" \
    "2: ldm r10, {r0, r2, r4, r6}\n" \
    TAPS(STEP, r3, r0, q4) \
    TAPS(STEP, r5, r2, q5) \
    TAPS(STEP, r7, r4, q6) \
    TAPS(STEP, r9, r6, q7) \
    GATHER(q0, r0, r2, r4, r6) \
    "vldrw.32 q1, [r10, #16]\n" \
    "vqrdmulh.s32 q0, q0, q1\n" \
    "vldrw.32 q1, [r10, #32]\n" \
    "vand q1, q0, q1\n"                 /* TWICE with a register less */ \
    "vshr.s32 q1, q1, #31\n" \
    "vadd.i32 q0, q0, q1\n" \
    "vldrw.32 q1, [r10, #32]\n" \
    "vrshl.s32 q0, q0, q1\n" \
    "vmax.s32 q0, q0, q2\n" \
    "vmin.s32 q0, q0, q3\n" \
    "vadd.i32 q0, q0, r12\n" \
    "vpst\n" \
    "vstrbt.32 q0, [r1]\n" \
    "add r1, r11\n" \
    "le lr, 2b\n" \
    "ldm sp, {r3, r4, r6, r7}\n" \
    "ldr r2, [r7, #8]\n" \
    "add r3, r3, r2, lsl #2\n" \
    "adds r4, #4\n" \
    "add r10, #112\n" \
    "subs r6, #4\n" \
    "bgt 1b\n" \
    "add sp, #16\n" \
    LEAVE

#define DEPTHWISE_FUNCTION(name, STEP) \
    static __attribute__((naked)) void name( \
        __attribute__((unused)) const ts_mve_depthwise_t *job) { \
        __asm__ volatile(DEPTHWISE(STEP)); \
    }

DEPTHWISE_FUNCTION(depthwise_any, STEP_ANY)
DEPTHWISE_FUNCTION(depthwise_1, STEP_1)
DEPTHWISE_FUNCTION(depthwise_3, STEP_3)
DEPTHWISE_FUNCTION(depthwise_6, STEP_6)

void ts_mve_depthwise(const ts_mve_depthwise_t *job) {
    switch (job->x_step) {
    case 1:         // a sequence
        depthwise_1(job);
        break;
    case 3:         // 3x3
        depthwise_3(job);
        break;
    case 6:         // 3x3, stride 2
        depthwise_6(job);
        break;
    default:
        depthwise_any(job);
    }
}
#endif

// The inner loops of portable ops on Helium: see portable.h. Loops are tail
// predicated, so lanes behind n take no part.
#ifndef TS_ARCH_MVE_DOT_H
#define TS_ARCH_MVE_DOT_H
#include <stdint.h>

// offset times the sum of w is added at the end. VMLADAVA and VADDVA add to
// even registers (Te).
static inline int32_t ts_dot_s8(const int8_t *x, const int8_t *w, int32_t n, int32_t offset,
    int32_t acc) {
    int32_t sum = 0;
    __asm__ volatile("wlstp.8 lr, %[n], 2f\n"
                     "1: vldrb.8 q0, [%[x]], #16\n"
                     "vldrb.8 q1, [%[w]], #16\n"
                     "vmladava.s8 %[acc], q0, q1\n"
                     "vaddva.s8 %[sum], q1\n"
                     "letp lr, 1b\n"
                     "2:"
                     : [x] "+r"(x), [w] "+r"(w), [acc] "+Te"(acc), [sum] "+Te"(sum)
                     : [n] "r"(n) : "q0", "q1", "lr", "memory");
    return (int32_t)((uint32_t)acc + (uint32_t)offset * (uint32_t)sum);
}

static inline void ts_dot4_s8(const int8_t *x, const int8_t *w, int32_t pitch, int32_t n,
    int32_t offset, int32_t *acc) {
    for (int32_t i = 0; i < 4; i++, w += pitch) {
        acc[i] = ts_dot_s8(x, w, n, offset, acc[i]);
    }
}

static inline void ts_mac_s8(const int8_t *x, const int8_t *w, int32_t n, int32_t offset,
    int32_t *acc) {
    __asm__ volatile("wlstp.32 lr, %[n], 2f\n"
                     "1: vldrb.s32 q0, [%[x]], #4\n"
                     "vldrb.s32 q1, [%[w]], #4\n"
                     "vldrw.32 q2, [%[acc]]\n"
                     "vadd.i32 q0, q0, %[offset]\n"
                     "vmul.i32 q0, q0, q1\n"
                     "vadd.i32 q2, q2, q0\n"
                     "vstrw.32 q2, [%[acc]], #16\n"
                     "letp lr, 1b\n"
                     "2:"
                     : [x] "+l"(x), [w] "+l"(w), [acc] "+r"(acc)
                     : [offset] "r"(offset), [n] "r"(n) : "q0", "q1", "q2", "lr", "memory");
}

#endif

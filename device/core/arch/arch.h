// The seam for fast kernels. TS_TARGET is the core this is compiled for, as
// numbered in targets.def: packed ops of that target are built in, and models
// packed for it are accepted. -DTS_PORTABLE leaves them out.
#ifndef TS_ARCH_H
#define TS_ARCH_H

#define TS_TARGET_PORTABLE 0
#define TS_TARGET_ARMV6M 1
#define TS_TARGET_ARMV7EM 2
#define TS_TARGET_MVE 3
#define TS_TARGET_RV32IMC 4

#if defined(TS_PORTABLE)
#define TS_TARGET TS_TARGET_PORTABLE
#define TS_KERNELS "portable"
#elif defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#define TS_TARGET TS_TARGET_MVE
#define TS_KERNELS "mve"
#elif defined(__arm__) && defined(__ARM_FEATURE_DSP)
#define TS_TARGET TS_TARGET_ARMV7EM
#define TS_KERNELS "armv7em"
#elif defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1
#define TS_TARGET TS_TARGET_ARMV6M
#define TS_KERNELS "armv6m"
#elif defined(__riscv_xlen) && __riscv_xlen == 32 && defined(__riscv_mul)
#define TS_TARGET TS_TARGET_RV32IMC
#define TS_KERNELS "rv32imc"
#elif defined(__x86_64__)
#define TS_TARGET TS_TARGET_PORTABLE
#define TS_KERNELS "x86-64"
#else
#define TS_TARGET TS_TARGET_PORTABLE
#define TS_KERNELS "portable"
#endif

// Portable ops that have a faster whole for this core: their ts_run_<NAME> asks
// ts_whole_<NAME> first. -DTS_CPU_CHECK lets the machine decide when it runs;
// that needs libgcc, which native modules are without.
#if !defined(TS_PORTABLE) && defined(__x86_64__) && defined(__GNUC__) \
    && (defined(__AVX2__) || defined(TS_CPU_CHECK))
#define TS_WHOLE_OPS 1
#else
#define TS_WHOLE_OPS 0
#endif

// The inner loops of the portable ops.
#include "portable.h"

#endif

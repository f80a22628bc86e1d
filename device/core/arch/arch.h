// The seam for fast kernels: chooses the inner loops by instruction set, when
// the core is compiled. What a header here must provide is what portable.h
// provides, equal to the bit.
#ifndef TS_ARCH_H
#define TS_ARCH_H

#include "portable.h"

#endif

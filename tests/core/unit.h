// The least a unit test needs: CHECK counts, prints where it failed, goes on.
#ifndef UNIT_H
#define UNIT_H
#include <inttypes.h>
#include <stdio.h>

extern int unit_checks, unit_failures;

#define CHECK_EQ(got, wanted) \
    do { \
        int64_t got_ = (int64_t)(got), wanted_ = (int64_t)(wanted); \
        unit_checks++; \
        if (got_ != wanted_) { \
            unit_failures++; \
            printf("%s:%d: %s is %" PRId64 ", expected %" PRId64 "\n", __FILE__, __LINE__, #got, \
                got_, wanted_); \
        } \
    } while (0)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void test_fixed(void);
void test_window(void);
void test_frames(void);
void test_text(void);
void test_sampling(void);
void test_microphones(void);

#endif

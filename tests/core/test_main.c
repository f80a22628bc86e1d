#include "unit.h"

int unit_checks, unit_failures;

int main(void) {
    test_fixed();
    test_window();
    test_frames();
    test_text();
    test_sampling();
    test_microphones();
    printf("%d checks, %d failures\n", unit_checks, unit_failures);
    return unit_failures != 0;
}

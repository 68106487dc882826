/* sources: h1word h1host h1field h1 h1body */

/* libFuzzer over the properties of h1_props.h. From the top of the repository:
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Inative/include -Itests/native \
 *       -o /tmp/fuzz_h1 tests/native/fuzz_h1.c native/src/h1{word,host,field,,body}.c
 *   /tmp/fuzz_h1 -max_total_time=300 /tmp/new-inputs tests/native/corpus/h1
 * New inputs worth keeping: /tmp/fuzz_h1 -merge=1 tests/native/corpus/h1 /tmp/new-inputs
 */
#include "fuzz_main.h"

#include "h1_props.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    props_hold(data, size);
    return 0;
}

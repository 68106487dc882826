/* sources: proxyproto */

/* libFuzzer over the properties of pp_props.h. From the top of the repository:
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Inative/include -Itests/native \
 *       -o /tmp/fuzz_proxyproto tests/native/fuzz_proxyproto.c native/src/proxyproto.c
 *   /tmp/fuzz_proxyproto -max_total_time=300 /tmp/new-inputs tests/native/corpus/proxyproto
 */
#include "fuzz_main.h"

#include "pp_props.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    props_hold(data, size);
    return 0;
}

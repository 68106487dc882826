/* sources: h1host h1field h1body */
/* test_h1.c once more, over the runs that are skipped with plain words, as on machines without SSE2. */
#undef __SSE2__
#include "../../native/src/h1.c"
#include "../../native/src/h1word.c"
#include "test_h1.c"

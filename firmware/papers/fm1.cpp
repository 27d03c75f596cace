#include "firmware/papers/fm.hpp"

void firmware::papers::run() {
    FastMessages<kFm1>{}.run();
}

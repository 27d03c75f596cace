#include "firmware/papers/fm.hpp"

void firmware::papers::run() {
    FastMessages<kFm2>{}.run();
}

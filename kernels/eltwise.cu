// The steps in which the sum, product or maximum of several inputs is made, one
// input after the other, and their gradients.
//
// Sum: y = sum of c[k] x[k] by `scaled` and `add_scaled`, dx[k] = c[k] dy.
// Product: y by `multiply`; dx[k] is dy times all other inputs. Maximum: y by
// `greatest`; the first of the greatest inputs gets all of dy: `pull_greatest`
// gives it to each of them, and `pull_earlier` takes it away wherever an input
// before it is one of them.
//
// Layout: any, the same of all. One thread computes one value.
#include "common.cuh"

// y = factor x
KERNEL(256) scaled(const float *__restrict__ x, float *__restrict__ y, float factor, int len) {
    int i = thread_index();
    if (i < len) y[i] = factor * x[i];
}

// y += factor x
KERNEL(256) add_scaled(const float *__restrict__ x, float *__restrict__ y, float factor, int len) {
    int i = thread_index();
    if (i < len) y[i] += factor * x[i];
}

// y *= x
KERNEL(256) multiply(const float *__restrict__ x, float *__restrict__ y, int len) {
    int i = thread_index();
    if (i < len) y[i] *= x[i];
}

// y = max(y, x)
KERNEL(256) greatest(const float *__restrict__ x, float *__restrict__ y, int len) {
    int i = thread_index();
    if (i < len) y[i] = fmaxf(y[i], x[i]);
}

// dx = dy where x is the maximum y, 0 elsewhere
KERNEL(256)
pull_greatest(const float *__restrict__ x, const float *__restrict__ y,
              const float *__restrict__ dy, float *__restrict__ dx, int len) {
    int i = thread_index();
    if (i < len) dx[i] = x[i] == y[i] ? dy[i] : 0;
}

// dx = 0 where x, an earlier input, is the maximum y
KERNEL(256)
pull_earlier(const float *__restrict__ x, const float *__restrict__ y, float *__restrict__ dx,
             int len) {
    int i = thread_index();
    if (i < len && x[i] == y[i]) dx[i] = 0;
}

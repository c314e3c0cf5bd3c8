// The augmented Lagrangian of the neurons' bands B, with a signed multiplier l:
//
//   r = f - clip(f - l / mu, B)      l+ = l - mu r      d = -l+
//
// f is a neuron's value and d its cotangent. A row whose multipliers are updated
// gets l = l+ first, kept within [-most, most], so that d is that of the next l.
//
// Layout: values and cotangents [n, m]; table [K, m, 5]: l, mu, both ends of B,
// most; presses [n]: a slot and two flags. One thread computes a neuron of a row.
// It is the only one that touches its row of the table, since no two rows of a
// launch share a slot.
#include "clip.cuh"

// The flags of a press: update the multiplier, write the cotangent.
const int UPDATE = 1 << 30, PRESS = 1 << 29;

KERNEL(256)
constrain(const float *__restrict__ values, double *__restrict__ table,
          const int *__restrict__ presses, float *__restrict__ d_values, int m, int n) {
    int i = thread_index();
    if (i >= n * m) return;
    int row = i / m, neuron = i - row * m;
    int press = presses[row], slot = press & (PRESS - 1);
    double *entry = table + (slot * m + neuron) * 5;
    double f = values[i];
    double multiplier = entry[0], mu = entry[1];
    double lower = entry[2], upper = entry[3], most = entry[4];

    if ((press & UPDATE) && fabs(f) < INFINITY) {
        multiplier -= mu * (f - clip(f - multiplier / mu, lower, upper));
        // Not clip: a multiplier that is NaN stays NaN.
        multiplier = multiplier < -most ? -most : multiplier > most ? most : multiplier;
        entry[0] = multiplier;
    }
    double updated = multiplier - mu * (f - clip(f - multiplier / mu, lower, upper));
    d_values[i] = (press & PRESS) ? (float)-updated : 0.0f;
}

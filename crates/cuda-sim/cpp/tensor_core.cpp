// The product of a warp's tensor cores.
//
// Products of tf32 values are exact in double; they are summed in double in the
// order of k, the accumulator is added, and the result is rounded once. A GPU
// differs in the last bits: its order and width are not documented.
#include "cuda_on_cpu.h"

#include <cstring>

namespace cuda_on_cpu {

namespace {

struct Operands {
    unsigned a[4], b[2];
};

// Four doubles, for one instruction.
using Four = double __attribute__((vector_size(32)));

double value(unsigned bits) { return __uint_as_float(bits & 0xffffe000u); }

// Puts the four sums of each lane in the place of what it brought.
void sum_products(Lane *lanes) {
    double a[16][8];
    alignas(32) double b[8][8];
    for (int lane = 0; lane < 32; lane++) {
        Operands operands;
        std::memcpy(&operands, lanes[lane].bytes, sizeof operands);
        int group = lane / 4, member = lane % 4;
        a[group][member] = value(operands.a[0]);
        a[group + 8][member] = value(operands.a[1]);
        a[group][member + 4] = value(operands.a[2]);
        a[group + 8][member + 4] = value(operands.a[3]);
        b[member][group] = value(operands.b[0]);
        b[member + 4][group] = value(operands.b[1]);
    }
    for (int row = 0; row < 16; row++) {
        Four left = {}, right = {};
        for (int k = 0; k < 8; k++) {
            left += a[row][k] * *reinterpret_cast<const Four *>(&b[k][0]);
            right += a[row][k] * *reinterpret_cast<const Four *>(&b[k][4]);
        }
        // Two columns of a row are the first or last half of a lane's sums.
        double sums[8];
        std::memcpy(sums, &left, sizeof left);
        std::memcpy(sums + 4, &right, sizeof right);
        for (int member = 0; member < 4; member++) {
            unsigned char *lane = lanes[row % 8 * 4 + member].bytes;
            std::memcpy(lane + row / 8 * 16, sums + 2 * member, 16);
        }
    }
}

} // namespace

void mma_m16n8k8_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    Operands operands;
    std::memcpy(operands.a, a, sizeof a);
    std::memcpy(operands.b, b, sizeof b);
    const Lane *lanes = exchange(0xffffffffu, &operands, sizeof operands, sum_products);
    double sums[4];
    std::memcpy(sums, lanes[threadIdx.x % 32].bytes, sizeof sums);
    for (int i = 0; i < 4; i++) d[i] = static_cast<float>(static_cast<double>(d[i]) + sums[i]);
}

} // namespace cuda_on_cpu

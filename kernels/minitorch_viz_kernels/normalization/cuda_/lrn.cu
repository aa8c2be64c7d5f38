// Local response normalization on the GPU: one thread for each number. See convolution/cuda_/columns.cu for the rules.

// x (N, C, pixels) -> y and scale, the same shape
template <typename T>
__global__ void lrn(long long total, const T* x, T* y, T* scale, int channels, int pixels, int before, int after,
                    T alpha, T beta, T k) {
    long long t = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (t >= total) return;
    int c = t / pixels % channels;
    T sum = 0;
    for (int d = max(0, c - before); d < min(channels, c + after + 1); d++) {
        T value = x[t + (long long)(d - c) * pixels];
        sum += value * value;
    }
    scale[t] = k + alpha * sum;
    y[t] = x[t] / pow(scale[t], beta);
}

// dy (N, C, pixels), x and scale (N or 1, C, pixels), numbers_of_x of them -> dx (N, C, pixels)
template <typename T>
__global__ void lrn_dx(long long total, const T* dy, const T* x, const T* scale, T* dx, long long numbers_of_x,
                       int channels, int pixels, int before, int after, T alpha, T beta) {
    long long t = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (t >= total) return;
    int c = t / pixels % channels;
    T sum = 0;
    for (int d = max(0, c - before); d < min(channels, c + after + 1); d++) {
        long long there = t + (long long)(d - c) * pixels;
        sum += dy[there] * x[there % numbers_of_x] * pow(scale[there % numbers_of_x], -beta - 1);
    }
    long long here = t % numbers_of_x;
    dx[t] = dy[t] * pow(scale[here], -beta) - 2 * alpha * beta * x[here] * sum;
}

// Convolution on the GPU: the same columns as in columns.py, one thread for each number. The products are cuBLAS's.
//
// Every kernel of this package is written so: one thread computes one number of the result, reads what it needs, and
// writes it once. No two threads write to the same place, so none waits for another, no sum depends on the order in
// which threads happen to run, and the text can be compiled for a CPU and tested there.
//
//   im2col: a number of the columns asks "which pixel do I show?"        one pixel, or 0 outside the image
//   col2im: a pixel asks "which numbers of the columns showed me?"       at most kh * kw, added up here

// x (N, C, H, W) -> columns (N, C, kh, kw, H', W')
template <typename T>
__global__ void im2col(long long total, const T* x, T* columns, int height, int width, int kh, int kw, int high,
                       int wide, int sh, int sw, int ph, int pw, int dh, int dw) {
    long long t = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (t >= total) return;
    int j = t % wide, i = t / wide % high;
    long long rest = t / wide / high;
    int v = rest % kw, u = rest / kw % kh;
    long long map = rest / kw / kh;  // n * C + c
    int row = i * sh - ph + u * dh, col = j * sw - pw + v * dw;
    bool inside = row >= 0 && row < height && col >= 0 && col < width;
    columns[t] = inside ? x[(map * height + row) * width + col] : T(0);
}

// columns (N, C, kh, kw, H', W') -> dx (N, C, H, W)
template <typename T>
__global__ void col2im(long long total, const T* columns, T* dx, int height, int width, int kh, int kw, int high,
                       int wide, int sh, int sw, int ph, int pw, int dh, int dw) {
    long long t = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (t >= total) return;
    int col = t % width, row = t / width % height;
    long long map = t / width / height;
    T sum = 0;
    for (int u = 0; u < kh; u++) {
        int top = row + ph - u * dh;  // i * sh, if a window has this pixel at its place u
        if (top < 0 || top % sh != 0 || top / sh >= high) continue;
        for (int v = 0; v < kw; v++) {
            int left = col + pw - v * dw;
            if (left < 0 || left % sw != 0 || left / sw >= wide) continue;
            sum += columns[(((map * kh + u) * kw + v) * high + top / sh) * wide + left / sw];
        }
    }
    dx[t] = sum;
}

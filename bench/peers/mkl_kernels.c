/* Loaded before PyTorch on AMD processors. Its MKL takes AVX-512 kernels only on processors of one maker, and asks
 * these functions; without them float products run at less than half the speed on a Zen 5 core. */
int mkl_serv_intel_cpu(void) { return 1; }
int mkl_serv_intel_cpu_true(void) { return 1; }

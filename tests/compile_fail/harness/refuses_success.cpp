// expect-error: anything
int main() {}

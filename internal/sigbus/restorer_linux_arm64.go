package sigbus

const saRestorer = 0 // the kernel returns through its vDSO

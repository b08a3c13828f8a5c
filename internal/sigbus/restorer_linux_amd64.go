package sigbus

const saRestorer = 0x04000000 // amd64 does not do without

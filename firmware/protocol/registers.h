/* The special registers of the LANai 4 board, as offsets from FM_REGISTERS, and their bits. Numbers
 * from Myricom's LANai 4.X documentation. For firmware/board and the emulator. */
#ifndef FATHOM_FIRMWARE_REGISTERS_H
#define FATHOM_FIRMWARE_REGISTERS_H

#define FM_REGISTERS 0xffffff00u /* one `ld/st simm[%r0]` reaches them */

enum {
    REG_ISR = 0x28,  /* interrupt status; writing 1 clears a bit. The LANai 11 core has no isr register */
    REG_EIMR = 0x2c, /* which ISR bits interrupt the host */
    REG_IT = 0x30,   /* interval timer, counts down; TIME is set when it reaches 0 */
    REG_RTC = 0x34,  /* real-time clock, counts up in ticks of 0.5 us */
    REG_CKS = 0x38,  /* sum of the words of host DMA */
    REG_EAR = 0x3c,  /* host DMA: bus address, 4-byte aligned */
    REG_LAR = 0x40,  /* host DMA: SRAM address */
    REG_DMA_CTR = 0x44, /* host DMA: bytes; the store starts it; counts down */
    REG_RMP = 0x48,  /* receive: SRAM address; advances while bytes come */
    REG_RML = 0x4c,  /* receive: address of the last word that may be written; the store arms it */
    REG_SMP = 0x50,  /* send: SRAM address; advances */
    REG_SML = 0x54,  /* send: address of the last word, inclusive; the store starts; packet stays open */
    REG_SMLT = 0x58, /* the same, and the packet's tail follows */
    REG_RB = 0x60, REG_RH = 0x64, REG_RW = 0x68, /* receive a byte, half, word by hand */
    REG_SA = 0x6c,   /* send: leading bytes (0-3) of the first word that are not sent; back to 0 after */
    REG_SB = 0x70, REG_SH = 0x74, REG_SW = 0x78, REG_ST = 0x7c, /* send a byte, half, word; the tail */
    REG_DMA_DIR = 0x80, /* 1 = host to LANai */
    REG_DMA_STS = 0x84,
    REG_TIMEOUT = 0x88, /* forward reset: 0 = 1/16 s, 1 = 1/4 s, 3 = 4 s */
    REG_MYRINET = 0x8c, /* bit 0 NRES_ENABLE, bit 1 CRC_ENABLE */
    REG_HW_DBUG = 0x90, REG_LED = 0x94, REG_VERSION = 0x98, REG_WRITE_ENABLE = 0x9c
};

#define ISR_DBG 0x80000000u
#define ISR_HOST_SIG 0x40000000u /* writing 1 interrupts the host */
#define ISR_LAN_SIG(n) (0x10000u << (n))
#define ISR_WORD_RDY 0x8000u
#define ISR_HALF_RDY 0x4000u
#define ISR_SEND_RDY 0x2000u
#define ISR_LINK 0x1000u  /* the cable's state changed */
#define ISR_NRES 0x800u   /* network reset: what was under way is lost */
#define ISR_WAKE 0x400u
#define ISR_ORUN2 0x200u
#define ISR_ORUN1 0x100u
#define ISR_TAIL 0x80u
#define ISR_WDOG 0x40u
#define ISR_TIME 0x20u
#define ISR_DMA 0x10u     /* host DMA is done; re-armed by a store to DMA_CTR */
#define ISR_SEND 0x8u     /* SMP has passed SML(T); re-armed by a store to it */
#define ISR_BUFF 0x4u     /* receive: the limit is reached, the packet goes on; re-armed by RML */
#define ISR_RECV 0x2u     /* receive: the tail was seen; re-armed by RML */
#define ISR_BYTE_RDY 0x1u

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Decoding against words that the GNU assembler made of the instructions beside them: kind,
 * address, length and direction of each, and where control can go.
 */
#include "support_arm64.h"

#define RD 1
#define WR 2

struct golden {
    uint32_t word;
    enum insn_kind kind;
    uint64_t addr; /* with registers as set up below, 0 if not decoded */
    uint64_t len;
    int way;
};

/* clang-format off */
static const struct golden table[] = {
    {0x085f7c41, INSN_LDX, 0x12000, 1, RD}, /* ldxrb w1,[x2] */
    {0x08037c41, INSN_STX, 0x12000, 1, WR}, /* stxrb w3,w1,[x2] */
    {0x085ffc41, INSN_LDX, 0x12000, 1, RD}, /* ldaxrb w1,[x2] */
    {0x0803ffe1, INSN_STX, 0x80000, 1, WR}, /* stlxrb w3,w1,[sp] */
    {0x08dffc41, INSN_MEM, 0x12000, 1, RD}, /* ldarb w1,[x2] */
    {0x089ffc41, INSN_MEM, 0x12000, 1, WR}, /* stlrb w1,[x2] */
    {0x08df7c41, INSN_MEM, 0x12000, 1, RD}, /* ldlarb w1,[x2] */
    {0x089f7c41, INSN_MEM, 0x12000, 1, WR}, /* stllrb w1,[x2] */
    {0x08a17c43, INSN_MEM, 0x12000, 1, RD | WR}, /* casb w1,w3,[x2] */
    {0x08e1fc43, INSN_MEM, 0x12000, 1, RD | WR}, /* casalb w1,w3,[x2] */
    {0x38218043, INSN_MEM, 0x12000, 1, RD | WR}, /* swpb w1,w3,[x2] */
    {0x38210043, INSN_MEM, 0x12000, 1, RD | WR}, /* ldaddb w1,w3,[x2] */
    {0x38211043, INSN_MEM, 0x12000, 1, RD | WR}, /* ldclrb w1,w3,[x2] */
    {0x38212043, INSN_MEM, 0x12000, 1, RD | WR}, /* ldeorb w1,w3,[x2] */
    {0x38213043, INSN_MEM, 0x12000, 1, RD | WR}, /* ldsetb w1,w3,[x2] */
    {0x38214043, INSN_MEM, 0x12000, 1, RD | WR}, /* ldsmaxb w1,w3,[x2] */
    {0x38215043, INSN_MEM, 0x12000, 1, RD | WR}, /* ldsminb w1,w3,[x2] */
    {0x38216043, INSN_MEM, 0x12000, 1, RD | WR}, /* ldumaxb w1,w3,[x2] */
    {0x38217043, INSN_MEM, 0x12000, 1, RD | WR}, /* lduminb w1,w3,[x2] */
    {0x3821005f, INSN_MEM, 0x12000, 1, RD | WR}, /* staddb w1,[x2] */
    {0x38bfc041, INSN_MEM, 0x12000, 1, RD}, /* ldaprb w1,[x2] */
    {0x195fb041, INSN_MEM, 0x11ffb, 1, RD}, /* ldapurb w1,[x2,#-5] */
    {0x190ff041, INSN_MEM, 0x120ff, 1, WR}, /* stlurb w1,[x2,#255] */
    {0x39400c41, INSN_MEM, 0x12003, 1, RD}, /* ldrb w1,[x2,#3] */
    {0x393ffc41, INSN_MEM, 0x12fff, 1, WR}, /* strb w1,[x2,#4095] */
    {0x38500041, INSN_MEM, 0x11f00, 1, RD}, /* ldurb w1,[x2,#-256] */
    {0x38003041, INSN_MEM, 0x12003, 1, WR}, /* sturb w1,[x2,#3] */
    {0x38410441, INSN_MEM, 0x12000, 1, RD}, /* ldrb w1,[x2],#16 */
    {0x381f0441, INSN_MEM, 0x12000, 1, WR}, /* strb w1,[x2],#-16 */
    {0x38410c41, INSN_MEM, 0x12010, 1, RD}, /* ldrb w1,[x2,#16]! */
    {0x381f0fe1, INSN_MEM, 0x7fff0, 1, WR}, /* strb w1,[sp,#-16]! */
    {0x38407841, INSN_MEM, 0x12007, 1, RD}, /* ldtrb w1,[x2,#7] */
    {0x38007841, INSN_MEM, 0x12007, 1, WR}, /* sttrb w1,[x2,#7] */
    {0x38636841, INSN_MEM, 0x25000, 1, RD}, /* ldrb w1,[x2,x3] */
    {0x38234841, INSN_MEM, 0x25000, 1, WR}, /* strb w1,[x2,w3,uxtw] */
    {0x485f7c41, INSN_LDX, 0x12000, 2, RD}, /* ldxrh w1,[x2] */
    {0x48037c41, INSN_STX, 0x12000, 2, WR}, /* stxrh w3,w1,[x2] */
    {0x485ffc41, INSN_LDX, 0x12000, 2, RD}, /* ldaxrh w1,[x2] */
    {0x4803ffe1, INSN_STX, 0x80000, 2, WR}, /* stlxrh w3,w1,[sp] */
    {0x48dffc41, INSN_MEM, 0x12000, 2, RD}, /* ldarh w1,[x2] */
    {0x489ffc41, INSN_MEM, 0x12000, 2, WR}, /* stlrh w1,[x2] */
    {0x48df7c41, INSN_MEM, 0x12000, 2, RD}, /* ldlarh w1,[x2] */
    {0x489f7c41, INSN_MEM, 0x12000, 2, WR}, /* stllrh w1,[x2] */
    {0x48a17c43, INSN_MEM, 0x12000, 2, RD | WR}, /* cash w1,w3,[x2] */
    {0x48e1fc43, INSN_MEM, 0x12000, 2, RD | WR}, /* casalh w1,w3,[x2] */
    {0x78218043, INSN_MEM, 0x12000, 2, RD | WR}, /* swph w1,w3,[x2] */
    {0x78210043, INSN_MEM, 0x12000, 2, RD | WR}, /* ldaddh w1,w3,[x2] */
    {0x78211043, INSN_MEM, 0x12000, 2, RD | WR}, /* ldclrh w1,w3,[x2] */
    {0x78212043, INSN_MEM, 0x12000, 2, RD | WR}, /* ldeorh w1,w3,[x2] */
    {0x78213043, INSN_MEM, 0x12000, 2, RD | WR}, /* ldseth w1,w3,[x2] */
    {0x78214043, INSN_MEM, 0x12000, 2, RD | WR}, /* ldsmaxh w1,w3,[x2] */
    {0x78215043, INSN_MEM, 0x12000, 2, RD | WR}, /* ldsminh w1,w3,[x2] */
    {0x78216043, INSN_MEM, 0x12000, 2, RD | WR}, /* ldumaxh w1,w3,[x2] */
    {0x78217043, INSN_MEM, 0x12000, 2, RD | WR}, /* lduminh w1,w3,[x2] */
    {0x7821005f, INSN_MEM, 0x12000, 2, RD | WR}, /* staddh w1,[x2] */
    {0x78bfc041, INSN_MEM, 0x12000, 2, RD}, /* ldaprh w1,[x2] */
    {0x595fb041, INSN_MEM, 0x11ffb, 2, RD}, /* ldapurh w1,[x2,#-5] */
    {0x590ff041, INSN_MEM, 0x120ff, 2, WR}, /* stlurh w1,[x2,#255] */
    {0x79400c41, INSN_MEM, 0x12006, 2, RD}, /* ldrh w1,[x2,#6] */
    {0x793ffc41, INSN_MEM, 0x13ffe, 2, WR}, /* strh w1,[x2,#8190] */
    {0x78500041, INSN_MEM, 0x11f00, 2, RD}, /* ldurh w1,[x2,#-256] */
    {0x78003041, INSN_MEM, 0x12003, 2, WR}, /* sturh w1,[x2,#3] */
    {0x78410441, INSN_MEM, 0x12000, 2, RD}, /* ldrh w1,[x2],#16 */
    {0x781f0441, INSN_MEM, 0x12000, 2, WR}, /* strh w1,[x2],#-16 */
    {0x78410c41, INSN_MEM, 0x12010, 2, RD}, /* ldrh w1,[x2,#16]! */
    {0x781f0fe1, INSN_MEM, 0x7fff0, 2, WR}, /* strh w1,[sp,#-16]! */
    {0x78407841, INSN_MEM, 0x12007, 2, RD}, /* ldtrh w1,[x2,#7] */
    {0x78007841, INSN_MEM, 0x12007, 2, WR}, /* sttrh w1,[x2,#7] */
    {0x78636841, INSN_MEM, 0x25000, 2, RD}, /* ldrh w1,[x2,x3] */
    {0x78234841, INSN_MEM, 0x25000, 2, WR}, /* strh w1,[x2,w3,uxtw] */
    {0x787dd841, INSN_MEM, 0x11ff0, 2, RD}, /* ldrh w1,[x2,w29,sxtw #1] */
    {0x78237841, INSN_MEM, 0x38000, 2, WR}, /* strh w1,[x2,x3,lsl #1] */
    {0x885f7c41, INSN_LDX, 0x12000, 4, RD}, /* ldxr w1,[x2] */
    {0x88037c41, INSN_STX, 0x12000, 4, WR}, /* stxr w3,w1,[x2] */
    {0x885ffc41, INSN_LDX, 0x12000, 4, RD}, /* ldaxr w1,[x2] */
    {0x8803ffe1, INSN_STX, 0x80000, 4, WR}, /* stlxr w3,w1,[sp] */
    {0x88dffc41, INSN_MEM, 0x12000, 4, RD}, /* ldar w1,[x2] */
    {0x889ffc41, INSN_MEM, 0x12000, 4, WR}, /* stlr w1,[x2] */
    {0x88df7c41, INSN_MEM, 0x12000, 4, RD}, /* ldlar w1,[x2] */
    {0x889f7c41, INSN_MEM, 0x12000, 4, WR}, /* stllr w1,[x2] */
    {0x88a17c43, INSN_MEM, 0x12000, 4, RD | WR}, /* cas w1,w3,[x2] */
    {0x88e1fc43, INSN_MEM, 0x12000, 4, RD | WR}, /* casal w1,w3,[x2] */
    {0xb8218043, INSN_MEM, 0x12000, 4, RD | WR}, /* swp w1,w3,[x2] */
    {0xb8210043, INSN_MEM, 0x12000, 4, RD | WR}, /* ldadd w1,w3,[x2] */
    {0xb8211043, INSN_MEM, 0x12000, 4, RD | WR}, /* ldclr w1,w3,[x2] */
    {0xb8212043, INSN_MEM, 0x12000, 4, RD | WR}, /* ldeor w1,w3,[x2] */
    {0xb8213043, INSN_MEM, 0x12000, 4, RD | WR}, /* ldset w1,w3,[x2] */
    {0xb8214043, INSN_MEM, 0x12000, 4, RD | WR}, /* ldsmax w1,w3,[x2] */
    {0xb8215043, INSN_MEM, 0x12000, 4, RD | WR}, /* ldsmin w1,w3,[x2] */
    {0xb8216043, INSN_MEM, 0x12000, 4, RD | WR}, /* ldumax w1,w3,[x2] */
    {0xb8217043, INSN_MEM, 0x12000, 4, RD | WR}, /* ldumin w1,w3,[x2] */
    {0xb821005f, INSN_MEM, 0x12000, 4, RD | WR}, /* stadd w1,[x2] */
    {0xb8bfc041, INSN_MEM, 0x12000, 4, RD}, /* ldapr w1,[x2] */
    {0x995fb041, INSN_MEM, 0x11ffb, 4, RD}, /* ldapur w1,[x2,#-5] */
    {0x990ff041, INSN_MEM, 0x120ff, 4, WR}, /* stlur w1,[x2,#255] */
    {0xb9400c41, INSN_MEM, 0x1200c, 4, RD}, /* ldr w1,[x2,#12] */
    {0xb93ffc41, INSN_MEM, 0x15ffc, 4, WR}, /* str w1,[x2,#16380] */
    {0xb8500041, INSN_MEM, 0x11f00, 4, RD}, /* ldur w1,[x2,#-256] */
    {0xb8003041, INSN_MEM, 0x12003, 4, WR}, /* stur w1,[x2,#3] */
    {0xb8410441, INSN_MEM, 0x12000, 4, RD}, /* ldr w1,[x2],#16 */
    {0xb81f0441, INSN_MEM, 0x12000, 4, WR}, /* str w1,[x2],#-16 */
    {0xb8410c41, INSN_MEM, 0x12010, 4, RD}, /* ldr w1,[x2,#16]! */
    {0xb81f0fe1, INSN_MEM, 0x7fff0, 4, WR}, /* str w1,[sp,#-16]! */
    {0xb8407841, INSN_MEM, 0x12007, 4, RD}, /* ldtr w1,[x2,#7] */
    {0xb8007841, INSN_MEM, 0x12007, 4, WR}, /* sttr w1,[x2,#7] */
    {0xb8636841, INSN_MEM, 0x25000, 4, RD}, /* ldr w1,[x2,x3] */
    {0xb8234841, INSN_MEM, 0x25000, 4, WR}, /* str w1,[x2,w3,uxtw] */
    {0xb87dd841, INSN_MEM, 0x11fe0, 4, RD}, /* ldr w1,[x2,w29,sxtw #2] */
    {0xb8237841, INSN_MEM, 0x5e000, 4, WR}, /* str w1,[x2,x3,lsl #2] */
    {0xc85f7c41, INSN_LDX, 0x12000, 8, RD}, /* ldxr x1,[x2] */
    {0xc8037c41, INSN_STX, 0x12000, 8, WR}, /* stxr w3,x1,[x2] */
    {0xc85ffc41, INSN_LDX, 0x12000, 8, RD}, /* ldaxr x1,[x2] */
    {0xc803ffe1, INSN_STX, 0x80000, 8, WR}, /* stlxr w3,x1,[sp] */
    {0xc8dffc41, INSN_MEM, 0x12000, 8, RD}, /* ldar x1,[x2] */
    {0xc89ffc41, INSN_MEM, 0x12000, 8, WR}, /* stlr x1,[x2] */
    {0xc8df7c41, INSN_MEM, 0x12000, 8, RD}, /* ldlar x1,[x2] */
    {0xc89f7c41, INSN_MEM, 0x12000, 8, WR}, /* stllr x1,[x2] */
    {0xc8a17c43, INSN_MEM, 0x12000, 8, RD | WR}, /* cas x1,x3,[x2] */
    {0xc8e1fc43, INSN_MEM, 0x12000, 8, RD | WR}, /* casal x1,x3,[x2] */
    {0xf8218043, INSN_MEM, 0x12000, 8, RD | WR}, /* swp x1,x3,[x2] */
    {0xf8210043, INSN_MEM, 0x12000, 8, RD | WR}, /* ldadd x1,x3,[x2] */
    {0xf8211043, INSN_MEM, 0x12000, 8, RD | WR}, /* ldclr x1,x3,[x2] */
    {0xf8212043, INSN_MEM, 0x12000, 8, RD | WR}, /* ldeor x1,x3,[x2] */
    {0xf8213043, INSN_MEM, 0x12000, 8, RD | WR}, /* ldset x1,x3,[x2] */
    {0xf8214043, INSN_MEM, 0x12000, 8, RD | WR}, /* ldsmax x1,x3,[x2] */
    {0xf8215043, INSN_MEM, 0x12000, 8, RD | WR}, /* ldsmin x1,x3,[x2] */
    {0xf8216043, INSN_MEM, 0x12000, 8, RD | WR}, /* ldumax x1,x3,[x2] */
    {0xf8217043, INSN_MEM, 0x12000, 8, RD | WR}, /* ldumin x1,x3,[x2] */
    {0xf821005f, INSN_MEM, 0x12000, 8, RD | WR}, /* stadd x1,[x2] */
    {0xf8bfc041, INSN_MEM, 0x12000, 8, RD}, /* ldapr x1,[x2] */
    {0xd95fb041, INSN_MEM, 0x11ffb, 8, RD}, /* ldapur x1,[x2,#-5] */
    {0xd90ff041, INSN_MEM, 0x120ff, 8, WR}, /* stlur x1,[x2,#255] */
    {0xf9400c41, INSN_MEM, 0x12018, 8, RD}, /* ldr x1,[x2,#24] */
    {0xf93ffc41, INSN_MEM, 0x19ff8, 8, WR}, /* str x1,[x2,#32760] */
    {0xf8500041, INSN_MEM, 0x11f00, 8, RD}, /* ldur x1,[x2,#-256] */
    {0xf8003041, INSN_MEM, 0x12003, 8, WR}, /* stur x1,[x2,#3] */
    {0xf8410441, INSN_MEM, 0x12000, 8, RD}, /* ldr x1,[x2],#16 */
    {0xf81f0441, INSN_MEM, 0x12000, 8, WR}, /* str x1,[x2],#-16 */
    {0xf8410c41, INSN_MEM, 0x12010, 8, RD}, /* ldr x1,[x2,#16]! */
    {0xf81f0fe1, INSN_MEM, 0x7fff0, 8, WR}, /* str x1,[sp,#-16]! */
    {0xf8407841, INSN_MEM, 0x12007, 8, RD}, /* ldtr x1,[x2,#7] */
    {0xf8007841, INSN_MEM, 0x12007, 8, WR}, /* sttr x1,[x2,#7] */
    {0xf8636841, INSN_MEM, 0x25000, 8, RD}, /* ldr x1,[x2,x3] */
    {0xf8234841, INSN_MEM, 0x25000, 8, WR}, /* str x1,[x2,w3,uxtw] */
    {0xf87dd841, INSN_MEM, 0x11fc0, 8, RD}, /* ldr x1,[x2,w29,sxtw #3] */
    {0xf8237841, INSN_MEM, 0xaa000, 8, WR}, /* str x1,[x2,x3,lsl #3] */
    {0x39c00441, INSN_MEM, 0x12001, 1, RD}, /* ldrsb w1,[x2,#1] */
    {0x39800441, INSN_MEM, 0x12001, 1, RD}, /* ldrsb x1,[x2,#1] */
    {0x79c00441, INSN_MEM, 0x12002, 2, RD}, /* ldrsh w1,[x2,#2] */
    {0x78a36841, INSN_MEM, 0x25000, 2, RD}, /* ldrsh x1,[x2,x3] */
    {0xb9800441, INSN_MEM, 0x12004, 4, RD}, /* ldrsw x1,[x2,#4] */
    {0xb89ff041, INSN_MEM, 0x11fff, 4, RD}, /* ldursw x1,[x2,#-1] */
    {0xb89ff841, INSN_MEM, 0x11fff, 4, RD}, /* ldtrsw x1,[x2,#-1] */
    {0x999ff041, INSN_MEM, 0x11fff, 4, RD}, /* ldapursw x1,[x2,#-1] */
    {0x19dff041, INSN_MEM, 0x11fff, 1, RD}, /* ldapursb w1,[x2,#-1] */
    {0x887f0c41, INSN_LDX, 0x12000, 8, RD}, /* ldxp w1,w3,[x2] */
    {0xc87f8c41, INSN_LDX, 0x12000, 16, RD}, /* ldaxp x1,x3,[x2] */
    {0x88240c41, INSN_STX, 0x12000, 8, WR}, /* stxp w4,w1,w3,[x2] */
    {0xc8248c41, INSN_STX, 0x12000, 16, WR}, /* stlxp w4,x1,x3,[x2] */
    {0x08247c46, INSN_MEM, 0x12000, 8, RD | WR}, /* casp w4,w5,w6,w7,[x2] */
    {0x4864fc46, INSN_MEM, 0x12000, 16, RD | WR}, /* caspal x4,x5,x6,x7,[x2] */
    {0xf87ff781, INSN_MEM, 0x12340ff8, 8, RD}, /* ldraa x1,[x28,#-8] */
    {0xf8bfff81, INSN_MEM, 0x12341ff8, 8, RD}, /* ldrab x1,[x28,#4088]! */
    {0xf83fd048, INSN_MEM, 0x12000, 64, RD}, /* ld64b x8,[x2] */
    {0xf83f9048, INSN_MEM, 0x12000, 64, WR}, /* st64b x8,[x2] */
    {0xf821b048, INSN_MEM, 0x12000, 64, WR}, /* st64bv x1,x8,[x2] */
    {0xf821a048, INSN_MEM, 0x12000, 64, WR}, /* st64bv0 x1,x8,[x2] */
    {0x18000081, INSN_MEM, 0x40001010, 4, RD}, /* ldr w1,.+16 */
    {0x58ffffc1, INSN_MEM, 0x40000ff8, 8, RD}, /* ldr x1,.-8 */
    {0x98000021, INSN_MEM, 0x40001004, 4, RD}, /* ldrsw x1,.+4 */
    {0x1c000081, INSN_MEM, 0x40001010, 4, RD}, /* ldr s1,.+16 */
    {0x5c000081, INSN_MEM, 0x40001010, 8, RD}, /* ldr d1,.+16 */
    {0x9c000081, INSN_MEM, 0x40001010, 16, RD}, /* ldr q1,.+16 */
    {0xd8000080, INSN_PLAIN, 0x0, 0, 0}, /* prfm pldl1keep,.+16 */
    {0xf9800040, INSN_PLAIN, 0x0, 0, 0}, /* prfm pldl1keep,[x2] */
    {0xf8a36840, INSN_PLAIN, 0x0, 0, 0}, /* prfm pldl1keep,[x2,x3] */
    {0xf8801040, INSN_PLAIN, 0x0, 0, 0}, /* prfum pldl1keep,[x2,#1] */
    {0x29418c41, INSN_MEM, 0x1200c, 8, RD}, /* ldp w1,w3,[x2,#12] */
    {0x29200c41, INSN_MEM, 0x11f00, 8, WR}, /* stp w1,w3,[x2,#-256] */
    {0x28c08c41, INSN_MEM, 0x12000, 8, RD}, /* ldp w1,w3,[x2],#4 */
    {0x29bf0fe1, INSN_MEM, 0x7fff8, 8, WR}, /* stp w1,w3,[sp,#-8]! */
    {0x28408c41, INSN_MEM, 0x12004, 8, RD}, /* ldnp w1,w3,[x2,#4] */
    {0x28000c41, INSN_MEM, 0x12000, 8, WR}, /* stnp w1,w3,[x2] */
    {0xa9418c41, INSN_MEM, 0x12018, 16, RD}, /* ldp x1,x3,[x2,#24] */
    {0xa9200c41, INSN_MEM, 0x11e00, 16, WR}, /* stp x1,x3,[x2,#-512] */
    {0xa8c08c41, INSN_MEM, 0x12000, 16, RD}, /* ldp x1,x3,[x2],#8 */
    {0xa9bf0fe1, INSN_MEM, 0x7fff0, 16, WR}, /* stp x1,x3,[sp,#-16]! */
    {0xa8408c41, INSN_MEM, 0x12008, 16, RD}, /* ldnp x1,x3,[x2,#8] */
    {0xa8000c41, INSN_MEM, 0x12000, 16, WR}, /* stnp x1,x3,[x2] */
    {0x2d418c41, INSN_MEM, 0x1200c, 8, RD}, /* ldp s1,s3,[x2,#12] */
    {0x2d200c41, INSN_MEM, 0x11f00, 8, WR}, /* stp s1,s3,[x2,#-256] */
    {0x2cc08c41, INSN_MEM, 0x12000, 8, RD}, /* ldp s1,s3,[x2],#4 */
    {0x2dbf0fe1, INSN_MEM, 0x7fff8, 8, WR}, /* stp s1,s3,[sp,#-8]! */
    {0x2c408c41, INSN_MEM, 0x12004, 8, RD}, /* ldnp s1,s3,[x2,#4] */
    {0x2c000c41, INSN_MEM, 0x12000, 8, WR}, /* stnp s1,s3,[x2] */
    {0x6d418c41, INSN_MEM, 0x12018, 16, RD}, /* ldp d1,d3,[x2,#24] */
    {0x6d200c41, INSN_MEM, 0x11e00, 16, WR}, /* stp d1,d3,[x2,#-512] */
    {0x6cc08c41, INSN_MEM, 0x12000, 16, RD}, /* ldp d1,d3,[x2],#8 */
    {0x6dbf0fe1, INSN_MEM, 0x7fff0, 16, WR}, /* stp d1,d3,[sp,#-16]! */
    {0x6c408c41, INSN_MEM, 0x12008, 16, RD}, /* ldnp d1,d3,[x2,#8] */
    {0x6c000c41, INSN_MEM, 0x12000, 16, WR}, /* stnp d1,d3,[x2] */
    {0xad418c41, INSN_MEM, 0x12030, 32, RD}, /* ldp q1,q3,[x2,#48] */
    {0xad200c41, INSN_MEM, 0x11c00, 32, WR}, /* stp q1,q3,[x2,#-1024] */
    {0xacc08c41, INSN_MEM, 0x12000, 32, RD}, /* ldp q1,q3,[x2],#16 */
    {0xadbf0fe1, INSN_MEM, 0x7ffe0, 32, WR}, /* stp q1,q3,[sp,#-32]! */
    {0xac408c41, INSN_MEM, 0x12010, 32, RD}, /* ldnp q1,q3,[x2,#16] */
    {0xac000c41, INSN_MEM, 0x12000, 32, WR}, /* stnp q1,q3,[x2] */
    {0x69410c41, INSN_MEM, 0x12008, 8, RD}, /* ldpsw x1,x3,[x2,#8] */
    {0x69008c41, INSN_MEM, 0x12010, 16, WR}, /* stgp x1,x3,[x2,#16] */
    {0x3d401441, INSN_MEM, 0x12005, 1, RD}, /* ldr b1,[x2,#5] */
    {0x3c001441, INSN_MEM, 0x12000, 1, WR}, /* str b1,[x2],#1 */
    {0x3c5fd041, INSN_MEM, 0x11ffd, 1, RD}, /* ldur b1,[x2,#-3] */
    {0x3c236841, INSN_MEM, 0x25000, 1, WR}, /* str b1,[x2,x3] */
    {0x7d401441, INSN_MEM, 0x1200a, 2, RD}, /* ldr h1,[x2,#10] */
    {0x7c001441, INSN_MEM, 0x12000, 2, WR}, /* str h1,[x2],#1 */
    {0x7c5fd041, INSN_MEM, 0x11ffd, 2, RD}, /* ldur h1,[x2,#-3] */
    {0x7c236841, INSN_MEM, 0x25000, 2, WR}, /* str h1,[x2,x3] */
    {0xbd401441, INSN_MEM, 0x12014, 4, RD}, /* ldr s1,[x2,#20] */
    {0xbc001441, INSN_MEM, 0x12000, 4, WR}, /* str s1,[x2],#1 */
    {0xbc5fd041, INSN_MEM, 0x11ffd, 4, RD}, /* ldur s1,[x2,#-3] */
    {0xbc236841, INSN_MEM, 0x25000, 4, WR}, /* str s1,[x2,x3] */
    {0xfd401441, INSN_MEM, 0x12028, 8, RD}, /* ldr d1,[x2,#40] */
    {0xfc001441, INSN_MEM, 0x12000, 8, WR}, /* str d1,[x2],#1 */
    {0xfc5fd041, INSN_MEM, 0x11ffd, 8, RD}, /* ldur d1,[x2,#-3] */
    {0xfc236841, INSN_MEM, 0x25000, 8, WR}, /* str d1,[x2,x3] */
    {0x3dc01441, INSN_MEM, 0x12050, 16, RD}, /* ldr q1,[x2,#80] */
    {0x3c801441, INSN_MEM, 0x12000, 16, WR}, /* str q1,[x2],#1 */
    {0x3cdfd041, INSN_MEM, 0x11ffd, 16, RD}, /* ldur q1,[x2,#-3] */
    {0x3ca36841, INSN_MEM, 0x25000, 16, WR}, /* str q1,[x2,x3] */
    {0x3ce37841, INSN_MEM, 0x142000, 16, RD}, /* ldr q1,[x2,x3,lsl #4] */
    {0x4c407040, INSN_MEM, 0x12000, 16, RD}, /* ld1 {v0.16b},[x2] */
    {0x0c837440, INSN_MEM, 0x12000, 8, WR}, /* st1 {v0.4h},[x2],x3 */
    {0x0d401c40, INSN_MEM, 0x12000, 1, RD}, /* ld1 {v0.b}[7],[x2] */
    {0x0d9f1c40, INSN_MEM, 0x12000, 1, WR}, /* st1 {v0.b}[7],[x2],#1 */
    {0x4d404840, INSN_MEM, 0x12000, 2, RD}, /* ld1 {v0.h}[5],[x2] */
    {0x4d9f4840, INSN_MEM, 0x12000, 2, WR}, /* st1 {v0.h}[5],[x2],#2 */
    {0x4d409040, INSN_MEM, 0x12000, 4, RD}, /* ld1 {v0.s}[3],[x2] */
    {0x4d9f9040, INSN_MEM, 0x12000, 4, WR}, /* st1 {v0.s}[3],[x2],#4 */
    {0x4d408440, INSN_MEM, 0x12000, 8, RD}, /* ld1 {v0.d}[1],[x2] */
    {0x4d9f8440, INSN_MEM, 0x12000, 8, WR}, /* st1 {v0.d}[1],[x2],#8 */
    {0x0d40c040, INSN_MEM, 0x12000, 1, RD}, /* ld1r {v0.8b},[x2] */
    {0x4d40c440, INSN_MEM, 0x12000, 2, RD}, /* ld1r {v0.8h},[x2] */
    {0x0d40c840, INSN_MEM, 0x12000, 4, RD}, /* ld1r {v0.2s},[x2] */
    {0x4d40cc40, INSN_MEM, 0x12000, 8, RD}, /* ld1r {v0.2d},[x2] */
    {0x4c40a040, INSN_MEM, 0x12000, 32, RD}, /* ld1 {v0.16b,v1.16b},[x2] */
    {0x0c83a440, INSN_MEM, 0x12000, 16, WR}, /* st1 {v0.4h,v1.4h},[x2],x3 */
    {0x4cdf8040, INSN_MEM, 0x12000, 32, RD}, /* ld2 {v0.16b,v1.16b},[x2],#32 */
    {0x0c0087e0, INSN_MEM, 0x80000, 16, WR}, /* st2 {v0.4h,v1.4h},[sp] */
    {0x0d601c40, INSN_MEM, 0x12000, 2, RD}, /* ld2 {v0.b,v1.b}[7],[x2] */
    {0x0dbf1c40, INSN_MEM, 0x12000, 2, WR}, /* st2 {v0.b,v1.b}[7],[x2],#2 */
    {0x4d604840, INSN_MEM, 0x12000, 4, RD}, /* ld2 {v0.h,v1.h}[5],[x2] */
    {0x4dbf4840, INSN_MEM, 0x12000, 4, WR}, /* st2 {v0.h,v1.h}[5],[x2],#4 */
    {0x4d609040, INSN_MEM, 0x12000, 8, RD}, /* ld2 {v0.s,v1.s}[3],[x2] */
    {0x4dbf9040, INSN_MEM, 0x12000, 8, WR}, /* st2 {v0.s,v1.s}[3],[x2],#8 */
    {0x4d608440, INSN_MEM, 0x12000, 16, RD}, /* ld2 {v0.d,v1.d}[1],[x2] */
    {0x4dbf8440, INSN_MEM, 0x12000, 16, WR}, /* st2 {v0.d,v1.d}[1],[x2],#16 */
    {0x0d60c040, INSN_MEM, 0x12000, 2, RD}, /* ld2r {v0.8b,v1.8b},[x2] */
    {0x4d60c440, INSN_MEM, 0x12000, 4, RD}, /* ld2r {v0.8h,v1.8h},[x2] */
    {0x0d60c840, INSN_MEM, 0x12000, 8, RD}, /* ld2r {v0.2s,v1.2s},[x2] */
    {0x4d60cc40, INSN_MEM, 0x12000, 16, RD}, /* ld2r {v0.2d,v1.2d},[x2] */
    {0x4c406040, INSN_MEM, 0x12000, 48, RD}, /* ld1 {v0.16b,v1.16b,v2.16b},[x2] */
    {0x0c836440, INSN_MEM, 0x12000, 24, WR}, /* st1 {v0.4h,v1.4h,v2.4h},[x2],x3 */
    {0x4cdf4040, INSN_MEM, 0x12000, 48, RD}, /* ld3 {v0.16b,v1.16b,v2.16b},[x2],#48 */
    {0x0c0047e0, INSN_MEM, 0x80000, 24, WR}, /* st3 {v0.4h,v1.4h,v2.4h},[sp] */
    {0x0d403c40, INSN_MEM, 0x12000, 3, RD}, /* ld3 {v0.b,v1.b,v2.b}[7],[x2] */
    {0x0d9f3c40, INSN_MEM, 0x12000, 3, WR}, /* st3 {v0.b,v1.b,v2.b}[7],[x2],#3 */
    {0x4d406840, INSN_MEM, 0x12000, 6, RD}, /* ld3 {v0.h,v1.h,v2.h}[5],[x2] */
    {0x4d9f6840, INSN_MEM, 0x12000, 6, WR}, /* st3 {v0.h,v1.h,v2.h}[5],[x2],#6 */
    {0x4d40b040, INSN_MEM, 0x12000, 12, RD}, /* ld3 {v0.s,v1.s,v2.s}[3],[x2] */
    {0x4d9fb040, INSN_MEM, 0x12000, 12, WR}, /* st3 {v0.s,v1.s,v2.s}[3],[x2],#12 */
    {0x4d40a440, INSN_MEM, 0x12000, 24, RD}, /* ld3 {v0.d,v1.d,v2.d}[1],[x2] */
    {0x4d9fa440, INSN_MEM, 0x12000, 24, WR}, /* st3 {v0.d,v1.d,v2.d}[1],[x2],#24 */
    {0x0d40e040, INSN_MEM, 0x12000, 3, RD}, /* ld3r {v0.8b,v1.8b,v2.8b},[x2] */
    {0x4d40e440, INSN_MEM, 0x12000, 6, RD}, /* ld3r {v0.8h,v1.8h,v2.8h},[x2] */
    {0x0d40e840, INSN_MEM, 0x12000, 12, RD}, /* ld3r {v0.2s,v1.2s,v2.2s},[x2] */
    {0x4d40ec40, INSN_MEM, 0x12000, 24, RD}, /* ld3r {v0.2d,v1.2d,v2.2d},[x2] */
    {0x4c402040, INSN_MEM, 0x12000, 64, RD}, /* ld1 {v0.16b,v1.16b,v2.16b,v3.16b},[x2] */
    {0x0c832440, INSN_MEM, 0x12000, 32, WR}, /* st1 {v0.4h,v1.4h,v2.4h,v3.4h},[x2],x3 */
    {0x4cdf0040, INSN_MEM, 0x12000, 64, RD}, /* ld4 {v0.16b,v1.16b,v2.16b,v3.16b},[x2],#64 */
    {0x0c0007e0, INSN_MEM, 0x80000, 32, WR}, /* st4 {v0.4h,v1.4h,v2.4h,v3.4h},[sp] */
    {0x0d603c40, INSN_MEM, 0x12000, 4, RD}, /* ld4 {v0.b,v1.b,v2.b,v3.b}[7],[x2] */
    {0x0dbf3c40, INSN_MEM, 0x12000, 4, WR}, /* st4 {v0.b,v1.b,v2.b,v3.b}[7],[x2],#4 */
    {0x4d606840, INSN_MEM, 0x12000, 8, RD}, /* ld4 {v0.h,v1.h,v2.h,v3.h}[5],[x2] */
    {0x4dbf6840, INSN_MEM, 0x12000, 8, WR}, /* st4 {v0.h,v1.h,v2.h,v3.h}[5],[x2],#8 */
    {0x4d60b040, INSN_MEM, 0x12000, 16, RD}, /* ld4 {v0.s,v1.s,v2.s,v3.s}[3],[x2] */
    {0x4dbfb040, INSN_MEM, 0x12000, 16, WR}, /* st4 {v0.s,v1.s,v2.s,v3.s}[3],[x2],#16 */
    {0x4d60a440, INSN_MEM, 0x12000, 32, RD}, /* ld4 {v0.d,v1.d,v2.d,v3.d}[1],[x2] */
    {0x4dbfa440, INSN_MEM, 0x12000, 32, WR}, /* st4 {v0.d,v1.d,v2.d,v3.d}[1],[x2],#32 */
    {0x0d60e040, INSN_MEM, 0x12000, 4, RD}, /* ld4r {v0.8b,v1.8b,v2.8b,v3.8b},[x2] */
    {0x4d60e440, INSN_MEM, 0x12000, 8, RD}, /* ld4r {v0.8h,v1.8h,v2.8h,v3.8h},[x2] */
    {0x0d60e840, INSN_MEM, 0x12000, 16, RD}, /* ld4r {v0.2s,v1.2s,v2.2s,v3.2s},[x2] */
    {0x4d60ec40, INSN_MEM, 0x12000, 32, RD}, /* ld4r {v0.2d,v1.2d,v2.2d,v3.2d},[x2] */
    {0xd9201841, INSN_PLAIN, 0x0, 0, 0}, /* stg x1,[x2,#16] */
    {0xd9600041, INSN_PLAIN, 0x0, 0, 0}, /* ldg x1,[x2] */
    {0xd9a01441, INSN_PLAIN, 0x0, 0, 0}, /* st2g x1,[x2],#16 */
    {0xd9601841, INSN_MEM, 0x12010, 16, WR}, /* stzg x1,[x2,#16] */
    {0xd9e01441, INSN_MEM, 0x12000, 32, WR}, /* stz2g x1,[x2],#16 */
    {0xd9ffec41, INSN_MEM, 0x11fe0, 32, WR}, /* stz2g x1,[x2,#-32]! */
    {0xd9200041, INSN_MEM, 0x12000, 64, WR}, /* stzgm x1,[x2] */
    {0xd50b743b, INSN_MEM, 0x22340000, 64, WR}, /* dc zva,x27 */
    {0xd50b749b, INSN_MEM, 0x22340000, 64, WR}, /* dc gzva,x27 */
    {0xd508763b, INSN_MEM, 0x22340000, 128, WR}, /* dc ivac,x27 */
    {0xd50b7a22, INSN_SYSTEM, 0x0, 0, 0}, /* dc cvac,x2 */
    {0xd50b7e22, INSN_SYSTEM, 0x0, 0, 0}, /* dc civac,x2 */
    {0xd50b7462, INSN_SYSTEM, 0x0, 0, 0}, /* dc gva,x2 */
    {0xd50b7522, INSN_SYSTEM, 0x0, 0, 0}, /* ic ivau,x2 */
    {0x191506d4, INSN_MEM, 0x24000, 768, RD | WR}, /* cpyfp [x20]!,[x21]!,x22! */
    {0x1d1506d4, INSN_MEM, 0x24000, 768, RD | WR}, /* cpyp [x20]!,[x21]!,x22! */
    {0x19c306d4, INSN_MEM, 0x24000, 768, WR}, /* setp [x20]!,x22!,x3 */
    {0x1dc306d4, INSN_MEM, 0x24000, 768, WR}, /* setgp [x20]!,x22!,x3 */
    {0x195506f4, INSN_MEM, 0x23fc0, 64, RD | WR}, /* cpyfm [x20]!,[x21]!,x23! */
    {0x1d9506f4, INSN_MEM, 0x23fc0, 64, RD | WR}, /* cpye [x20]!,[x21]!,x23! */
    {0x19c346f4, INSN_MEM, 0x23fc0, 64, WR}, /* setm [x20]!,x23!,x3 */
    {0x19c386d4, INSN_MEM, 0x24000, 768, WR}, /* sete [x20]!,x22!,x3 */
    {0x85bf5441, INSN_MEM, 0x11fa0, 32, RD}, /* ldr z1,[x2,#-3,mul vl] */
    {0xe5804841, INSN_MEM, 0x12040, 32, WR}, /* str z1,[x2,#2,mul vl] */
    {0x85800c41, INSN_MEM, 0x1200c, 4, RD}, /* ldr p1,[x2,#3,mul vl] */
    {0xe5bf1c41, INSN_MEM, 0x11ffc, 4, WR}, /* str p1,[x2,#-1,mul vl] */
    {0xa401a041, INSN_MEM, 0x12020, 32, RD}, /* ld1b {z1.b},p0/z,[x2,#1,mul vl] */
    {0xa46fa041, INSN_MEM, 0x11ffc, 4, RD}, /* ld1b {z1.d},p0/z,[x2,#-1,mul vl] */
    {0xa480a041, INSN_MEM, 0x12000, 16, RD}, /* ld1sw {z1.d},p0/z,[x2] */
    {0xa5f84041, INSN_MEM, 0x12080, 32, RD}, /* ld1d {z1.d},p0/z,[x2,x24,lsl #3] */
    {0xa5384041, INSN_MEM, 0x12020, 16, RD}, /* ld1sh {z1.s},p0/z,[x2,x24,lsl #1] */
    {0xa5c0a041, INSN_MEM, 0x12000, 16, RD}, /* ld1sb {z1.h},p0/z,[x2] */
    {0xa540a041, INSN_MEM, 0x12000, 32, RD}, /* ld1w {z1.s},p0/z,[x2] */
    {0xe442e041, INSN_MEM, 0x12010, 8, WR}, /* st1b {z1.s},p0,[x2,#2,mul vl] */
    {0xe5e0e041, INSN_MEM, 0x12000, 32, WR}, /* st1d {z1.d},p0,[x2] */
    {0xe4b84041, INSN_MEM, 0x12020, 32, WR}, /* st1h {z1.h},p0,[x2,x24,lsl #1] */
    {0x85034041, INSN_MEM, 0x0, 0, RD | WR}, /* ld1w {z1.s},p0/z,[x2,z3.s,uxtw] */
    {0xa420e041, INSN_MEM, 0x0, 0, RD | WR}, /* ld2b {z1.b,z2.b},p0/z,[x2] */
    {0xa400e041, INSN_MEM, 0x0, 0, RD | WR}, /* ldnt1b {z1.b},p0/z,[x2] */
    {0xa4036041, INSN_MEM, 0x0, 0, RD | WR}, /* ldff1b {z1.b},p0/z,[x2,x3] */
    {0x14000002, INSN_B, 0x0, 0, 0}, /* b .+8 */
    {0x97fffc00, INSN_B, 0x0, 0, 0}, /* bl .-4096 */
    {0x54000040, INSN_B_COND, 0x0, 0, 0}, /* b.eq .+8 */
    {0x54ffffd1, INSN_B_COND, 0x0, 0, 0}, /* bc.ne .-8 */
    {0x34000061, INSN_B_COND, 0x0, 0, 0}, /* cbz w1,.+12 */
    {0xb5ffffa1, INSN_B_COND, 0x0, 0, 0}, /* cbnz x1,.-12 */
    {0x36180021, INSN_B_COND, 0x0, 0, 0}, /* tbz w1,#3,.+4 */
    {0xb70c0001, INSN_B_COND, 0x0, 0, 0}, /* tbnz x1,#33,.-32768 */
    {0xd61f0020, INSN_BR, 0x0, 0, 0}, /* br x1 */
    {0xd63f0020, INSN_BR, 0x0, 0, 0}, /* blr x1 */
    {0xd65f03c0, INSN_BR, 0x0, 0, 0}, /* ret */
    {0xd65f0020, INSN_BR, 0x0, 0, 0}, /* ret x1 */
    {0xd71f0823, INSN_BR, 0x0, 0, 0}, /* braa x1,x3 */
    {0xd63f083f, INSN_BR, 0x0, 0, 0}, /* blraaz x1 */
    {0xd65f0bff, INSN_BR, 0x0, 0, 0}, /* retaa */
    {0xd65f0fff, INSN_BR, 0x0, 0, 0}, /* retab */
    {0xd61f0c9f, INSN_BR, 0x0, 0, 0}, /* brabz x4 */
    {0xd69f03e0, INSN_ERET, 0x0, 0, 0}, /* eret */
    {0xd69f0bff, INSN_ERET, 0x0, 0, 0}, /* eretaa */
    {0xd69f0fff, INSN_ERET, 0x0, 0, 0}, /* eretab */
    {0xd4000001, INSN_EXC, 0x0, 0, 0}, /* svc #0 */
    {0xd4000022, INSN_EXC, 0x0, 0, 0}, /* hvc #1 */
    {0xd4000043, INSN_EXC, 0x0, 0, 0}, /* smc #2 */
    {0xd42000e0, INSN_EXC, 0x0, 0, 0}, /* brk #7 */
    {0xd4400020, INSN_EXC, 0x0, 0, 0}, /* hlt #1 */
    {0x00000000, INSN_EXC, 0x0, 0, 0}, /* udf #0 */
    {0xd4a00001, INSN_EXC, 0x0, 0, 0}, /* dcps1 */
    {0xd503207f, INSN_WFI, 0x0, 0, 0}, /* wfi */
    {0xd503205f, INSN_WFE, 0x0, 0, 0}, /* wfe */
    {0xd5031023, INSN_WFXT, 0x0, 0, 0}, /* wfit x3 */
    {0xd5031003, INSN_WFXT, 0x0, 0, 0}, /* wfet x3 */
    {0xd503203f, INSN_YIELD, 0x0, 0, 0}, /* yield */
    {0xd503201f, INSN_PLAIN, 0x0, 0, 0}, /* nop */
    {0xd503209f, INSN_PLAIN, 0x0, 0, 0}, /* sev */
    {0xd50320bf, INSN_PLAIN, 0x0, 0, 0}, /* sevl */
    {0xd503233f, INSN_PLAIN, 0x0, 0, 0}, /* paciasp */
    {0xd50323bf, INSN_PLAIN, 0x0, 0, 0}, /* autiasp */
    {0xd503245f, INSN_PLAIN, 0x0, 0, 0}, /* bti c */
    {0xd503221f, INSN_PLAIN, 0x0, 0, 0}, /* esb */
    {0x8b030041, INSN_PLAIN, 0x0, 0, 0}, /* add x1,x2,x3 */
    {0xd5384001, INSN_PLAIN, 0x0, 0, 0}, /* mrs x1,spsr_el1 */
    {0xd53be041, INSN_PLAIN, 0x0, 0, 0}, /* mrs x1,cntvct_el0 */
    {0x1e622820, INSN_PLAIN, 0x0, 0, 0}, /* fadd d0,d1,d2 */
    {0x9b031041, INSN_PLAIN, 0x0, 0, 0}, /* madd x1,x2,x3,x4 */
    {0x9a830041, INSN_PLAIN, 0x0, 0, 0}, /* csel x1,x2,x3,eq */
    {0x90000001, INSN_PLAIN, 0x0, 0, 0}, /* adrp x1,. */
    {0xd2800021, INSN_PLAIN, 0x0, 0, 0}, /* movz x1,#1 */
    {0x04a30041, INSN_PLAIN, 0x0, 0, 0}, /* add z1.s,z2.s,z3.s */
    {0xdac10041, INSN_PLAIN, 0x0, 0, 0}, /* pacia x1,x2 */
    {0xd5033fdf, INSN_SYSTEM, 0x0, 0, 0}, /* isb */
    {0xd5033f9f, INSN_SYSTEM, 0x0, 0, 0}, /* dsb sy */
    {0xd5033bbf, INSN_SYSTEM, 0x0, 0, 0}, /* dmb ish */
    {0xd50330ff, INSN_SYSTEM, 0x0, 0, 0}, /* sb */
    {0xd5033f5f, INSN_SYSTEM, 0x0, 0, 0}, /* clrex */
    {0xd5184001, INSN_SYSTEM, 0x0, 0, 0}, /* msr spsr_el1,x1 */
    {0xd5182001, INSN_SYSTEM, 0x0, 0, 0}, /* msr ttbr0_el1,x1 */
    {0xd508871f, INSN_SYSTEM, 0x0, 0, 0}, /* tlbi vmalle1 */
    {0xd5087801, INSN_SYSTEM, 0x0, 0, 0}, /* at s1e1r,x1 */
    {0xd50041bf, INSN_SYSTEM, 0x0, 0, 0}, /* msr spsel,#1 */
    {0xd500419f, INSN_SYSTEM, 0x0, 0, 0}, /* msr pan,#1 */
    {0xd518d022, INSN_SYSTEM, 0x0, 0, 0}, /* msr contextidr_el1,x2 */
    {0xd500401f, INSN_SYSTEM, 0x0, 0, 0}, /* cfinv */
    {0x99030841, INSN_MEM, 0x11ff8, 8, WR}, /* stilp w1,w3,[x2,#-8]! */
    {0x99031841, INSN_MEM, 0x12000, 8, WR}, /* stilp w1,w3,[x2] */
    {0xd9030841, INSN_MEM, 0x11ff0, 16, WR}, /* stilp x1,x3,[x2,#-16]! */
    {0x99430841, INSN_MEM, 0x12000, 8, RD}, /* ldiapp w1,w3,[x2],#8 */
    {0xd9431841, INSN_MEM, 0x12000, 16, RD}, /* ldiapp x1,x3,[x2] */
    {0x99800841, INSN_MEM, 0x11ffc, 4, WR}, /* stlr w1,[x2,#-4]! */
    {0xd9800841, INSN_MEM, 0x11ff8, 8, WR}, /* stlr x1,[x2,#-8]! */
    {0x99c00841, INSN_MEM, 0x12000, 4, RD}, /* ldapr w1,[x2],#4 */
    {0xd9c00841, INSN_MEM, 0x12000, 8, RD}, /* ldapr x1,[x2],#8 */
    {0x1d5fb841, INSN_MEM, 0x11ffb, 1, RD}, /* ldapur b1,[x2,#-5] */
    {0x1d800841, INSN_MEM, 0x12000, 16, WR}, /* stlur q1,[x2] */
    {0xdd4ff841, INSN_MEM, 0x120ff, 8, RD}, /* ldapur d1,[x2,#255] */
    {0x0d018441, INSN_MEM, 0x12000, 8, WR}, /* stl1 {v1.d}[0],[x2] */
    {0x0d418441, INSN_MEM, 0x12000, 8, RD}, /* ldap1 {v1.d}[0],[x2] */
    {0x19231041, INSN_MEM, 0x12000, 16, RD | WR}, /* ldclrp x1,x3,[x2] */
    {0x19a33041, INSN_MEM, 0x12000, 16, RD | WR}, /* ldsetpa x1,x3,[x2] */
    {0x19638041, INSN_MEM, 0x12000, 16, RD | WR}, /* swppl x1,x3,[x2] */
    {0x38239041, INSN_MEM, 0, 0, RD | WR}, /* rcwclr x3,x1,[x2] */
    {0x7823b041, INSN_MEM, 0, 0, RD | WR}, /* rcwsset x3,x1,[x2] */
    {0x3823a041, INSN_MEM, 0, 0, RD | WR}, /* rcwswp x3,x1,[x2] */
    {0x3c230041, INSN_MEM, 0, 0, RD | WR}, /* ldbfadd h3,h1,[x2] */
    {0x19230841, INSN_MEM, 0, 0, RD | WR}, /* rcwcas x3,x1,[x2] */
    {0xd50876a2, INSN_MEM, 0x12000, 128, WR}, /* dc igdvac,x2 */
    {0xc4004041, INSN_MEM, 0, 0, RD | WR}, /* ld1sb {z1.d},p0/z,[x2,z0.d,uxtw] */
    {0xe4008041, INSN_MEM, 0, 0, RD | WR}, /* st1b {z1.d},p0,[x2,z0.d,uxtw] */
    {0xe0000040, INSN_MEM, 0, 0, RD | WR}, /* ld1b {za0h.b[w12,0]},p0/z,[x2,x0] */
    {0x74030041, INSN_B_COND, 0, 0, 0}, /* cbgt w1,w3,. */
    {0x5500001f, INSN_BR, 0, 0, 0}, /* retaasppc . */
    {0xd53b4225, INSN_MRS_DAIF, 0x0, 0, 0}, /* mrs x5,daif */
    {0xd51b4225, INSN_MSR_DAIF, 0x0, 0, 0}, /* msr daif,x5 */
    {0xd50342df, INSN_DAIFSET, 0x0, 0, 0}, /* msr daifset,#2 */
    {0xd5034fff, INSN_DAIFCLR, 0x0, 0, 0}, /* msr daifclr,#15 */
};
/* clang-format on */

static struct acpu a;

/* xN = 0x10000 + 0x1000 N, SP = 0x80000, but for the special ones. */
static int setup(void **state)
{
    (void)state;
    acpu_init(&a);
    for (unsigned n = 0; n < 31; n++)
        a.reg[n] = 0x10000 + 0x1000 * n;
    a.reg[22] = 0x300;
    a.reg[23] = (uint64_t)-0x40;
    a.reg[24] = 0x10;
    a.reg[27] = 0x22340035;
    a.reg[28] = 0x002a000012341000; /* signed */
    a.reg[29] = 0xfffffff8;
    a.reg[GD_ARM64_SP_EL1] = 0x80000;
    a.reg[GD_ARM64_SP_EL0] = 0x70000;
    a.reg[GD_ARM64_DCZID_EL0] = 4;
    a.reg[GD_ARM64_CTR_EL0] = 5 << 16;
    a.reg[GD_ARM64_TCR_EL1] = 16 | 16 << 16;
    a.target.sve_vq = 2;
    a.reg[GD_ARM64_ZCR_EL1] = 0xf; /* the longest there is */
    return 0;
}

static void put(uint32_t word)
{
    acpu_word(&a, A_CODE, word);
    acpu_ran(&a);
}

static void every_word_has_its_kind_and_bytes(void **state)
{
    (void)state;
    for (size_t n = 0; n < GD_ARRAY_SIZE(table); n++) {
        const struct golden *g = &table[n];
        struct gd_arm64_insn i;
        struct gd_access acc;

        put(g->word);
        gd_arm64_decode(g->word, &i);
        gd_arm64_access(&a.cpu, A_CODE, true, &acc);
        if (i.kind != g->kind || i.read != !!(g->way & RD) || i.write != !!(g->way & WR) ||
            acc.len != g->len || (g->len && acc.addr != g->addr))
            fail_msg("%08x: kind %d read %d write %d len %lu addr 0x%lx", g->word, i.kind, i.read,
                     i.write, (unsigned long)acc.len, (unsigned long)acc.addr);
        assert_int_equal(acc.exclusive, g->kind == INSN_STX);
    }
}

static void sve_accesses_are_as_long_as_the_guest_has_chosen(void **state)
{
    static const uint64_t chosen[] = { 0, 1, 3, 0xf }, bytes[] = { 16, 32, 64, 64 };

    (void)state;
    a.target.sve_vq = 4;
    for (size_t n = 0; n < GD_ARRAY_SIZE(chosen); n++) {
        struct gd_access acc;

        a.reg[GD_ARM64_ZCR_EL1] = chosen[n];
        put(0x85bf5441); /* ldr z1, [x2, #-3, mul vl] */
        gd_arm64_access(&a.cpu, A_CODE, false, &acc);
        assert_int_equal(acc.len, bytes[n]);
        assert_int_equal(acc.addr, a.reg[2] - 3 * bytes[n]);
    }
}

static void plain_are_all_but_system_returns_and_exceptions(void **state)
{
    (void)state;
    for (size_t n = 0; n < GD_ARRAY_SIZE(table); n++) {
        enum insn_kind k = table[n].kind;

        assert_int_equal(gd_arm64_insn_plain(table[n].word),
                         k != INSN_SYSTEM && k != INSN_ERET && k != INSN_EXC);
    }
}

/* Every register that an instruction writes is missing from what it keeps. */
static void what_an_instruction_may_write_is_not_kept(void **state)
{
    static const struct {
        uint32_t word, lost;
    } table[] = {
        { 0x8b030c84, 1u << 4 },                     /* add x4, x4, x3, lsl #3 */
        { 0xf1000400, 1u << 0 },                     /* subs x0, x0, #1 */
        { 0xf100041f, 0 },                           /* cmp x0, #1 */
        { 0x9e660007, 1u << 7 },                     /* fmov x7, d0 */
        { 0xdac18bfe, 1u << 30 | 1u << 17 },         /* one source: PACIA171615 writes X17 */
        { 0xf380005f, 1u << 30 },                    /* autiasppc .-8 */
        { 0xf3a0005f, 1u << 30 },                    /* autibsppc .-8 */
        { 0x54000041, 0 },                           /* b.ne */
        { 0x97fffffc, 1u << 30 },                    /* bl */
        { 0xd63f0060, 1u << 30 },                    /* blr x3 */
        { 0xf8408c22, 1u << 2 | 1u << 1 },           /* ldr x2, [x1, #8]! */
        { 0xa8c17bfd, 1u << 29 | 1u << 30 },         /* ldp x29, x30, [sp], #16 */
        { 0xc8037c41, 1u << 3 },                     /* stxr w3, x1, [x2] */
        { 0x48267c48, 1u << 6 | 1u << 7 },           /* casp x6, x7, x8, x9, [x2] */
        { 0xf8248025, 1u << 5 },                     /* swp x4, x5, [x1] */
        { 0x4cdf7022, 1u << 1 },                     /* ld1 {v2.16b}, [x1], #16 */
        { 0x19010443, 1u << 3 | 1u << 1 | 1u << 2 }, /* cpyfp [x3]!, [x1]!, x2! */
        { 0xf83fd023, 0x7f8 },                       /* ld64b x3, [x1] */
        { 0xd5380600, 1u << 0 },                     /* mrs x0, id_aa64isar0_el1 */
        { 0xd503233f, 1u << 30 },                    /* paciasp */
        { 0xd503211f, 1u << 17 },                    /* pacia1716 */
        { 0xd503251f, 1u << 16 },                    /* chkfeat x16 */
        { 0xd4000002, 0x7fffffff },                  /* hvc #0 */
        { 0, 0x7fffffff },                           /* not known */
    };
    uint64_t keep[GD_REG_WORDS];

    (void)state;
    for (size_t n = 0; n < GD_ARRAY_SIZE(table); n++) {
        gd_arm64_keeps(table[n].word, keep);
        assert_int_equal(keep[0] & table[n].lost, 0);
        if (table[n].lost == 0x7fffffff)
            assert_int_equal(keep[1] | keep[2] | keep[3], 0);
    }
    gd_arm64_keeps(0x8b030c84, keep);
    assert_int_equal((uint32_t)keep[0], 0x7fffffffu & ~(1u << 4));
    gd_arm64_keeps(0x54000041, keep);
    assert_int_equal((uint32_t)keep[0], 0x7fffffffu);
}

static bool kept(uint32_t word, unsigned reg)
{
    uint64_t keep[GD_REG_WORDS];

    gd_arm64_keeps(word, keep);
    return keep[reg / 64] >> reg % 64 & 1;
}

static void pstate_is_kept_where_no_flag_is_written(void **state)
{
    static const uint32_t keeps[] = {
        0x8b030c84, /* add x4, x4, x3, lsl #3 */
        0xca020063, /* eor x3, x3, x2 */
        0xaa0103e0, /* mov x0, x1 */
        0xd2800020, /* mov x0, #1 */
        0x9a820020, /* csel x0, x1, x2, eq */
        0x9b027c20, /* mul x0, x1, x2 */
        0xd3410420, /* ubfx x0, x1, #1, #1 */
        0x90000000, /* adrp x0, . */
        0xf8408c22, /* ldr x2, [x1, #8]! */
        0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
        0x97fffffc, /* bl */
        0xb4000040, /* cbz x0 */
    };
    static const uint32_t flags[] = {
        0xf1000400, /* subs x0, x0, #1 */
        0xeb01001f, /* cmp x0, x1 */
        0xea01001f, /* tst x0, x1 */
        0x6a210000, /* bics w0, w0, w1 */
        0xf240001f, /* tst x0, #1 */
        0xba010000, /* adcs x0, x0, x1 */
        0xfa420820, /* ccmp x1, #2, #0, eq */
        0xba000400, /* rmif x0, #0, #0 */
        0x3a00080d, /* setf8 w0 */
        0xbac20020, /* subps x0, x1, x2 */
        0x1e612000, /* fcmp d0, d1 */
    };
    static const uint32_t writes[] = {
        0x2518e3e0, /* ptrue p0.b; its S form, and PTEST, write flags */
        0x19010443, /* cpyfp: the option goes to NZCV */
        0x19c20443, /* setp */
        0x38229000, /* rcwclr */
        0xd61f0000, /* br x0: BTYPE */
        0xd50342df, /* msr daifset, #2 */
        0xd503201f, /* nop */
    };

    (void)state;
    for (size_t n = 0; n < GD_ARRAY_SIZE(keeps); n++)
        assert_true(kept(keeps[n], GD_ARM64_PSTATE));
    for (size_t n = 0; n < GD_ARRAY_SIZE(flags); n++) {
        assert_false(kept(flags[n], GD_ARM64_PSTATE));
        assert_true(kept(flags[n], GD_ARM64_MODE));
    }
    for (size_t n = 0; n < GD_ARRAY_SIZE(writes); n++) {
        assert_false(kept(writes[n], GD_ARM64_PSTATE));
        assert_false(kept(writes[n], GD_ARM64_MODE));
    }
}

static void system_registers_are_kept_but_those_of_an_exception(void **state)
{
    static const uint32_t plain[] = { 0x8b030c84, 0xf8408c22, 0x97fffffc }; /* add, ldr, bl */
    static const unsigned lost[] = { GD_ARM64_ELR_EL1, GD_ARM64_SPSR_EL1, GD_ARM64_ESR_EL1,
                                     GD_ARM64_FAR_EL1, GD_ARM64_PC };

    (void)state;
    for (size_t n = 0; n < GD_ARRAY_SIZE(plain); n++) {
        assert_true(kept(plain[n], GD_ARM64_TTBR0_EL1));
        assert_true(kept(plain[n], GD_ARM64_SP_EL1));
        for (size_t r = 0; r < GD_ARRAY_SIZE(lost); r++)
            assert_false(kept(plain[n], lost[r]));
    }
    assert_false(kept(0xd5182000, GD_ARM64_TTBR0_EL1)); /* msr ttbr0_el1, x0 */
    assert_false(kept(0xd5033fdf, GD_ARM64_SCTLR_EL1)); /* isb */
    assert_false(kept(0xd69f03e0, GD_ARM64_TTBR0_EL1)); /* eret */
    assert_false(kept(0xa8c17bfd, GD_ARM64_SP_EL1));    /* ldp x29, x30, [sp], #16 */
    assert_false(kept(0xa9bf7bfd, GD_ARM64_SP_EL0));    /* stp x29, x30, [sp, #-16]! */
    assert_false(kept(0x910043ff, GD_ARM64_SP_EL1));    /* add sp, sp, #16 */
}

static void no_word_reads_or_writes_beyond_sense(void **state)
{
    uint32_t w = 1;

    (void)state;
    for (unsigned n = 0; n < 2000000; n++) {
        struct gd_arm64_insn i;

        w = w * 1664525 + 1013904223;
        gd_arm64_decode(w ^ w >> 15, &i);
        assert_true(i.len <= 64);
        assert_true(i.kind == INSN_MEM || i.kind == INSN_LDX || i.kind == INSN_STX ||
                    (!i.read && !i.write));
    }
}

static void successors_are(uint32_t word, int count, uint64_t n0, uint64_t n1)
{
    uint64_t next[2] = { 0, 0 };
    struct gd_arm64_insn i;

    put(word);
    gd_arm64_decode(word, &i);
    assert_int_equal(gd_arm64_successors(&a.cpu, A_CODE, word, &i, next), count);
    if (count > 0)
        assert_int_equal(next[0], n0);
    if (count > 1)
        assert_int_equal(next[1], n1);
}

static void control_goes_only_where_the_instruction_leads(void **state)
{
    (void)state;
    a.reg[GD_ARM64_ELR_EL1] = 0x002a000012345678;
    a.reg[30] = 0xffea800012345678;                            /* signed, upper half */
    successors_are(0x14000002, 1, A_CODE + 8, 0);              /* b .+8 */
    successors_are(0x97fffc00, 1, A_CODE - 4096, 0);           /* bl .-4096 */
    successors_are(0x54000040, 2, A_CODE + 4, A_CODE + 8);     /* b.eq .+8 */
    successors_are(0xb5ffffa1, 2, A_CODE + 4, A_CODE - 12);    /* cbnz x1, .-12 */
    successors_are(0xb70c0001, 2, A_CODE + 4, A_CODE - 32768); /* tbnz x1, #33, .-32768 */
    successors_are(0x74420841, 2, A_CODE + 4, A_CODE + 264);   /* cbhi w1, w2, .+264 */
    successors_are(0xd61f0020, 1, a.reg[1], 0);                /* br x1 */
    successors_are(0xd63f0380, 1, a.reg[28], 0);               /* blr x28: not authenticated */
    successors_are(0xd73f0b9f, 1, 0x12341000, 0);              /* blraa x28, sp */
    successors_are(0xd65f03c0, 1, a.reg[30], 0);               /* ret */
    successors_are(0xd65f0bff, 1, 0xffff800012345678, 0);      /* retaa */
    successors_are(0xd69f03e0, 1, 0x002a000012345678, 0);      /* eret */
    successors_are(0xd69f0bff, 1, 0x12345678, 0);              /* eretaa */
    successors_are(0xd4000001, 0, 0, 0);                       /* svc #0 */
    successors_are(0xd4000002, 1, A_CODE + 4, 0);              /* hvc #0 */
    successors_are(0xd4000003, 1, A_CODE + 4, 0);              /* smc #0 */
    successors_are(0xd4200000, 0, 0, 0);                       /* brk #0 */
    successors_are(0xd503201f, 1, A_CODE + 4, 0);              /* nop */
}

static struct gd_access access_of(uint32_t word, bool write)
{
    struct gd_access acc;

    put(word);
    gd_arm64_access(&a.cpu, A_CODE, write, &acc);
    return acc;
}

static void a_copy_has_two_sides(void **state)
{
    struct gd_access acc;

    (void)state;
    acc = access_of(0x1d1506d4, false); /* cpyp [x20]!, [x21]!, x22! */
    assert_true(acc.read && !acc.write);
    assert_int_equal(acc.addr, a.reg[21]);
    acc = access_of(0x1d1506d4, true);
    assert_true(!acc.read && acc.write);
    assert_int_equal(acc.addr, a.reg[20]);
    assert_int_equal(acc.len, 0x300);
}

static void a_copy_under_way_goes_by_option_and_direction(void **state)
{
    struct gd_access acc;

    (void)state;
    a.reg[GD_ARM64_PSTATE] |= PSTATE_C; /* option B: count positive, going up */
    acc = access_of(0x1d5506d4, true);  /* cpym [x20]!, [x21]!, x22! */
    assert_int_equal(acc.addr, a.reg[20]);
    a.reg[GD_ARM64_PSTATE] |= PSTATE_N; /* going down */
    acc = access_of(0x1d5506d4, true);
    assert_int_equal(acc.addr, a.reg[20] - 0x300);
    a.reg[22] = ~0ull;
    acc = access_of(0x1d1506d4, true); /* cpyp saturates */
    assert_int_equal(acc.len, (1ull << 55) - 1);
}

static void stack_base_follows_spsel_and_tags_are_dropped(void **state)
{
    (void)state;
    a.reg[GD_ARM64_PSTATE] = PSTATE_M_EL1T;
    assert_int_equal(access_of(0xf94003e0, false).addr, 0x70000); /* ldr x0, [sp] */
    a.reg[1] = 0x5a00ffff00001000;
    assert_int_equal(access_of(0xf9400020, false).addr, 0x0000ffff00001000); /* ldr x0, [x1] */
    a.reg[1] = 0x5affffff00001000;
    assert_int_equal(access_of(0xf9400020, false).addr, 0xffffffff00001000);
}

static void what_a_register_would_tell_is_unknown_without_it(void **state)
{
    (void)state;
    a.no_reg[GD_ARM64_DCZID_EL0] = true;
    assert_int_equal(access_of(0xd50b743b, true).len, 0); /* dc zva, x27 */
    a.reg[GD_ARM64_PSTATE] = PSTATE_NRW;                  /* A32 code is not decoded */
    assert_int_equal(access_of(0xf9400020, false).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_word_has_its_kind_and_bytes, setup),
        cmocka_unit_test_setup(sve_accesses_are_as_long_as_the_guest_has_chosen, setup),
        cmocka_unit_test_setup(plain_are_all_but_system_returns_and_exceptions, setup),
        cmocka_unit_test(what_an_instruction_may_write_is_not_kept),
        cmocka_unit_test(pstate_is_kept_where_no_flag_is_written),
        cmocka_unit_test(system_registers_are_kept_but_those_of_an_exception),
        cmocka_unit_test_setup(no_word_reads_or_writes_beyond_sense, setup),
        cmocka_unit_test_setup(control_goes_only_where_the_instruction_leads, setup),
        cmocka_unit_test_setup(a_copy_has_two_sides, setup),
        cmocka_unit_test_setup(a_copy_under_way_goes_by_option_and_direction, setup),
        cmocka_unit_test_setup(stack_base_follows_spsel_and_tags_are_dropped, setup),
        cmocka_unit_test_setup(what_a_register_would_tell_is_unknown_without_it, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

"""Frames that VTK 9 wrote itself (vtkXMLImageDataWriter, vtkStructuredPointsWriter), compressed: u = i / 7 and
velocity = i / 3 on 4 x 3 points, i counting in C order."""

SAMPLES = {
    "binary_zlib_0_64.vti": (
        "c-n<jTXU)~5Pt8k$mF#%f?Q=roS}-SRT10T>WdRFVp<FugH?b13FSy>=d=fgu)Epox0^I)kM~`YV8G8iY{UK*#khkwg5ZeRfuz)i"
        "^_mPpc;<MSvK3}F91_kG?9vrM6oL&#Lb@#MpZb&=8U#_g-7$PPq(c43-xfm>=3d*S7`AQzXqMr?^ClH8PaIQjLm8+*28#GZWS^0k"
        "<Z0vr2p)DQA~Y6CH66$`MF({VI)vef7un`k;w}G0qzS<h2LB3>Z|4drp*&Be;Dsb-9LCW3FE-sIMO;-N7^AIVGYHlx+alpEBowhT"
        "1XDy~Jj#=muM9fn0P1F4QyRKzsz$>!H4R>a0N?~p`NUVE^C=sDk~Z$@uXFD%RtCDMD7qQ42TM1C#M<w1Ko?Fpk{sD<uUG0JeCtSq"
        "VRox{bD~gVdX_huvzofWFtF`wg;H7K??vYwEs8$kB#j6cwT`oGh?&36TbfdV>cNKUuaMMCO;>f@vJ}k{i)DSm$f_A)(`Xo~sv26o"
        "Vg3)JwsUtSqqvHZ#xJhy2OTHaWL>Yn@dkIU8|)_L-t*<;WiY(>{d?<muFOWhb=YQ-zT5jxmkFE9@sq`#Ut=p%Lb;#x9@+cbObY6g"
        "ozuJBcv9Bmp)r-R)9rgAxyMB)InSol9!$o)NjB<R>L|KIZ~9sr><`AvG18pHT6K8n&R!a2G0i?LKoaA6kI#U906SEcV}CkYPMxvm"
        "LLg8^#XO7CQ}#s2F^&1ghDrq;;c|wO3<E+}_>|9Hbq|0F@Osrq`mp-hPyL&pYKwmJ)0Dne*!pSQn$ovJ*KFe?sjyO&7uxw5F39rY"
        "Xx)hT#TC}N`2*|SS@Q"
    ),
    "binary_plain_0_64.vti": (
        "c-nnbZBybf5dQA3*vZ$Mq3@-gq0CePuXrM$)bYMB0b-49Q>?+W{`yNTO{#Yq2I%gy`|Li=CWH9qVnQ<lyxNlhMLAB$2y=|!g_O^<"
        "U;#3EI)Y8b$+{?aqzuq6%6Ue{Y)3Ie@IbKeuABT-#JFpt;R(P%a>4CGA>v;-VLU)OSfGO`zJm6uqzSES)D8sKd%UGA5kWl%^q%Q}"
        "fnY>SvgJ)Hb(Z+Z|EAKMk}ZM%6{z7lprDM`tu(gq)J9mAxH<}-WCiAyiC~6vVIC0N7iEqG-G(w;RtT1uCFHVhR&NdbTE88qZ`h{i"
        "SbfX&`hD9*Z4rRW@Z;j9wV9VYe*5N6)2D?tU8UD^8c)ZMUKmE9w&4eJUd7Y&(K(oJcLL9^=T4MXH(t<ouF2NF7bCXeDCUJ^#g=lR"
        "VRpzjq`bO6EAoB8#M^ofkoB$9Uf*^s$MJpB_Qj9yf6(stTmibCYgv|S8(zPoJqpL+KWh><Yq!#lPqB03wP>`sI6S?tWFNNpXeG1n"
        "7H$4A3!mI3^gNX~mHBik^CP{5M}OwV(Rshp+Wa4nvi?HxPbB|X@oyDwNc^Y5Q&oQ{>rYkxq0*=NJ5~5f@yC*XqWBZVf2#DU{9NI`"
        "Ree1S<faTF)@-&oP8XyC_C6rL%=PSQdAVMOv-2?mF)g?`Z!bKRvnBk5CHx^kW@ncLWsI`}0m^pdwLTkN44^YWPB%$=&-$9j_{7s4"
        "weNTa+DC=Mua3<?`*bM`&PbMZOs#8+==zRn9_7V0JQ4Mq`*V2m7j8a=+W"
    ),
    "appended_zlib_1_32.vti": (
        "c-oy*U30215Pk2j$mF#%2KlngNIP6b)T)SWZS}<o7?FwrAz1a--vnE$)82OG!Vt(Nd-j~oF7><JItE*k<xxUSSglC#?)Iuae!Oo*"
        "F#&9!5)*dTI3!KXF#OypRjLs9dq!qSHYb@0dl6$XvFSX*6oMte+&Vk@KXoWmWC(&}on|D@6TW@RR?}YO3)IHR3~#RhsGq`t=Vihn"
        "cZ^WRBLW3TK<1AGfty8PBnS%w1P>_=A{q)>8jvco1~|KBl#zfPbqOzipWbC89%~qpfPim9{NHuN705|MnNaaz;Wja~vJCIv6WfXt"
        "TxMo~*L+$)ut>5s=1g#!5;`Yy2u7HOq%X97&*`|1cjEB0T2+;AG^M6~ZcP@8oUng*pK(Jca=#JQ)epj35+^~#_IzHfeUiBgah3_?"
        "$;?ft{354PQ#D1?3`5r7cXEu1&X@HYT~WTuF?9Ho98pH}7@ZfuJ=p_VGVaN<fjjEYM%KWwA>j1!u|jw~p2TuHp&?tEP=@D_9CVE1"
        "f`Eu?*@={1t^#nb>CzFEo<E^gzo4CG;5W27y43sQ$=1=A>Z~_N9A6mFrG@*5UMV{iom#Y<TJNV@_AH@6GB114$2sA(Qo7G9&*E1@"
        "3~yo>h`};V($Zch&Yw{3YBgEbYJT=$Xu200n+@^k)bjhtlAOk3uH^oziMqYwT6QLpO!d)TTB_E3WP3f&G|%uu@g0O8_$oWtlIt}s"
        "Z&|dQ&eG}rv28CM);5kS#V_67!R_1|uM>IPca3~qAT8avPlsVPoRB9Ydwva#LiVLj+<wg7R%7H<hpE-RUOK2~GhZK}Vt4%(BYQjb"
        "k@Z|djqY&J9v1zMq4a}8u+kQ4ca!Tc+d#FZ3&mo-J$|_<(|DdZ{?|qCzunubzj?QR?E"
    ),
    "appended_zlib_0_64.vti": (
        "c-oy*O=uHA6s{l&6{NX{BIq#KW0Orbo2HPBjs2svO{LlvthkwOCduMvHf$zoLN4M#?4eLZFBRH@#e?WgN)HyrOA!jKo)mki2a$?3"
        "1*Kpq;>>Pb6I)wwmt}Zw=6&z`-kZ0fq02p;nvMZ2X0Qyq(<q7C5k(N>v6<BjB15lRfMB#pv0|8UY|5}#qg2NoB(5O>K?)=0RqXh|"
        "ZbAco2vj4TF>y9)u;Y1p{YtMk%2C@KHw@PU5OUIi;grE33ltM7Ljj0D06zAy%>Aa8)Hn_9fZ$RFsTxVLLv9HOZl46a5VUJ1R;kUF"
        "N3qvgtxPP}MGdPM?3v>K9vhb<8ycZp#cvPuaWi6?s8}g%r*0rB`XGp+G&6G$Bn&f+7!#DqU=qi12nG;I;y$i*Z%+0;D)5#_&0fDR"
        "D2dJfKSzy3B8%xiqN})h9C8N{=B=~|=do_68Z9zAmmbAte}ebYAgq{K8HxwUaX0%VQIc9(d=lJCPK!IhwgbU{DDIXM^uzt+@M}cu"
        "?Cb*c;36Ov<6fT<?H}k<1|rd}4hR^1WZw{WA04sGk4ciIWaxv{kPLJP={XEErlr73TDuECwWiuYj}^Hens*mkbp;MW3wdhw?%Uar"
        "XV>ivwP9Vaad>JyEQZgDHK877L@hH?>8>@in5ahFnne?h*^-n)b(QCay$BW4Us(&+)L1O`cDnSQl*rSCPqU3%kESo=TlM7^E3uie"
        "(&@?buiWLiQ@7`4X3aNe>T<4zroS;k#bG*_O-p^pTZM*OA3C9H{BWdU_UGr58;w`*d<))On3%XHl=Z3dkB1NLE^RNPkMfh$+SbPX"
        "mGQ3Vvvb4WrSRm@ZP)Yp(#ZPRuZv$AcY59#n<vVf<Du8f^DpJqMbV5ZYg3QcORH-~l+|M+uE8CvGS#&R*Rw|1f6{RMFR1o@I{"
    ),
    "appended_plain_1_64.vti": (
        "c-oy++iv185Pk1gSbklJKti}kq?KEs8z?Q%lB)ZH3^Bn?;y^Gh>DRAw!6u?hr8Pp}IX-9RI5SG;<`4$pgTy-;F$>lzRd{oK)p1^i"
        "eHswJlMS(;9b%7kF~_ic5-bu<=27gD*n$s~^MLf2OEH6BO|Xd0bN<X`yiteOR{(UR7I<Ap;{1UV#w}O{2B-pEe1+^&Og)<BNCOZ&"
        "Z}5^bPaLY4pjy#QP=laLW3uFVDJe^Q<ZqTq<Qh}5B;eZ=|F?48R5_xIr!I~W5lgoyj&V}lT0e*|H*^RdaVWNX2v$)XVo?d+YzT9S"
        "3&9jKkBm~U-`AAm_>kVW*{s#|mT5HW>S(lD?Fjz|`=mBa7WY%Z;yD!se~=(rQl5zYK3tIaX>}Kcn}~_a+*#20!A_-FHx1Klw{;VK"
        "XQy3h2)NN|7{<AsW&>WbleQ7dvx^28k_51<;s<^H_%t2Or|9v%2Z1Ob=N<CFeQ8$23G?{cf;v2v6rv6e_5@Jj<&a)!83o|fQ<<n`"
        "%u8yuGquwj_(`p!mHl3PvK{TLJ3DtI2ucC191)y!R<a4z<cMZlR6N~mW(iwHZZ?Yxyd%X-gZT)R7uSu&IClB#S9{=ZC)!}<KaZ(1"
        "=)JcPvXQpndwrZZ1OMIJ>tAmI51+@T?I$lS%SJtPw)#%K+?iJVbIh045w$17{We?P1|9M4OtRl5NB%TG+eUu$-j_I)d^(VPyLyDX"
        "pW|8)T+Os2|JS?BKT-O9sozujONG}Y{#)U`%0HF)2daLg{HgkG6+Tn?j@0ifeNXA%Du0R}D*TViUqx2d4yO$uUJY9DZn(bs3zJs1"
        ">H"
    ),
    "ascii_plain_0_32.vti": (
        "c-nnbZI9Y84F1lqu<`>+)3i-16{OR>Oz7@lV%zN_%0UjIl@yhL;NQ<7qm*>eic;H;?Z>X;;^XJ*iz+3U<3<k1Xf2lVNf<$3FYB$U"
        "^nio`CGdGPa#qy~Sr5pYGNzQzdZC0Su#y6`Gw1(nqz#M6um?~yvEcWrLj1u<Z7>`#2qD5>NMKT{rNSK4DhT}8h`G{Bn=^qhh!Vim"
        "PpX!4bD~167v9ak%k*8zxrF~Eux1OWls1-%lTl-Zhq@NWe}%u4m9WfVEY>LQ2z*ubT3|S_ohwCPD)dsmTdv_*5C>!wB%H=kmN3rJ"
        "jPp1q=Nw=e1lEQKq!eTh%7F$KC3OH>t}~~NJ4N8ddU0_HIYYC1i=d%#uCLz|c)#Q{K9{_gWi?mki1KdzDeKACW3}E?8hg4O5O%L2"
        "0gn@wBzYdiIX?3IszZ5@qA|@<##kEDjC&no-i4~vyYP!LAD5uYgC$Me6jC3Lnrk$N9C8m8qs9w*^*K6RsSoE6L)^(7`?;H_9C!!K"
        "J4`9gdf4Gg!<%Fyh`J4nIt>H7JL!{~WHZP*Br-oJQ0x@#lBGAv79;J33lI6LJc2$A<XbcwPp0p)>BIQjGXb1V;kLlu{Ap$x^-?d*"
        "YCxjaSYgNyQSKxty^sfcWZO1?*2E@lr~b+7b{y)(Y0vh(I7R=u!r`rBTJ*hDRXobFY>EB0jA*<0+-tLLhds>iw)(L57i{EYQ2"
    ),
    "legacy_ascii.vtk": (
        "c-n1}ZEJ%-49DN+Qv~*2yz}|x;X^s7XHmPi;#LPTnWNJ}zx{HSt|{zL;^lYwC-L%vm*o?)e(8&G8t`>E|BUk&295v==5_gA7f?;A"
        "HDsz)P2OVD*2lCx)_K+)Ds9>ZGF|4T(Uob?M-K%w2bF5GL)QuDl>xb`TJN+$ff8NV;yNpcLPDYQeTKz2Oeb3jN?7TfkoYmp{Q@pY"
        "_%aS6K_Axml)||?#D;7p0y43I&fT@0@ey3dvN$Akw>KFm^H$k1K%1hfOVv^nR3BW1X?`D<tL;YOX<px^VJpOYEZT*CE25JgqqJcx"
        "#E`R)Ge|JuFyYX4!<gXAN1rqQNi@QU!{|xWrN?2ak47T89?1jclWIVd!C=5)j4@~NQ%34T@Qi|Gg#T|rfKg?Rd)XQCb+s}(+EwX|"
        "(sbHcQRj1i-6qq{l@s}a7tr<6KeQI$7x;RlWd"
    ),
    "legacy_binary.vtk": (
        "c-n1}%}T>S6orc*$bg_lMMdS>KX;``n~IyJW0RJFc2bg55Er4^2*KD$O$y!l41ESyy4Pp$0bF(M-i;eq&NO%Fh0El8XL54MOdh83"
        "9T>xS*bYJ;F8s-35RE}AD?}Pm5<es{IcJ>Om&Bkhbxao=*B-Rofo&RI-(uW#h{1X$cbLT;s6iDJ;`C{Y@eWkVnrKxM$g)|7aZo^o"
        "3R%AA$v{w4(q?AYfOg=ABRLAFBoX@*6>h_57?X^s#^U~6zY_gCXN@c?>aw3Q8U1ZBZp_7VeKFSM`casZp6ODVO&D)mc8|JZGVxI|"
        "^~2~Uh-Y#{6-H5V9s0|3S^DQ-S^8JHHrG<#BrmdFo9oDTk?*12M?Z%=hdPgW-<bb{`WO8T+`oxAS>y-E50M`sFCZ_VE~1a~H&>9a"
        "BHu#3jd}-tKn|#n(Jvt{AwNm^|9?{<oc2uUsvZ~2vnlTgWwlaQ+#Pw4bTS#vme)oedik`bRkb=OXXUzF3Hbv{J-3S"
    ),
}

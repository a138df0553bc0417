package passhash

// What Auth0 does with a format.
const (
	direct    = "password_hash"
	converted = "custom_password_hash"
	lazy      = ""
)

type vector struct {
	format   string
	stored   Stored
	password string
	field    string // direct, converted or lazy
}

// saltOf0to15 is 00 01 … 0f.
const saltOf0to15 = "AAECAwQFBgcICQoLDA0ODw=="

// vectors are public where nothing else is said: the examples of hashcat
// (password "hashcat"), the tests of Django ("lètmein"), of ASP.NET Core ("my
// password") and of PHC's Argon2 ("password"), the reference of Spring Security
// and the documents of passlib ("password"). "computed" ones were made with
// Python's hashlib and with libxcrypt.
var vectors = []vector{
	// bcrypt
	{"bcrypt", Stored{Value: "$2a$05$MBCzKhG1KhezLh.0LRa0Kuw12nLJtpHy6DIaU.JAnqJUDYspHC.Ou"}, "hashcat", converted},
	{"bcrypt", Stored{Value: "{bcrypt}$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG"}, "password", direct},                             // Spring
	{"bcrypt", Stored{Value: "$2y$04$abcdefghijklmnopqrstuuanVo7Xut1CH8VGIGlz1JovQh9GJbbtG"}, "lètmein", converted},                                   // computed
	{"bcrypt", Stored{Value: "bcrypt$$2y$04$abcdefghijklmnopqrstuuanVo7Xut1CH8VGIGlz1JovQh9GJbbtG"}, "lètmein", converted},                            // Django's label
	{"bcrypt", Stored{Value: "{CRYPT}$2y$04$abcdefghijklmnopqrstuuanVo7Xut1CH8VGIGlz1JovQh9GJbbtG"}, "lètmein", converted},                            // OpenLDAP's label
	{"devise", Stored{Scheme: "devise", Value: "$2a$04$abcdefghijklmnopqrstuuK07M1sVzNh1IfLJ41KZH/ZJLibIumlS", Salt: "pepper"}, "hashcat", converted}, // computed
	{"django-bcrypt-sha256", Stored{Value: "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuulyx/yrfLnuLCi6gwFG5mrkJjuQKpL6S"}, "lètmein", lazy},            // computed
	{"passlib-bcrypt-sha256", Stored{Value: "$bcrypt-sha256$v=2,t=2b,r=4$abcdefghijklmnopqrstuu$5.DQzr2mKCSKCED/pLUBcPGi8ERuhxK"}, "hashcat", lazy},   // computed
	{"passlib-bcrypt-sha256", Stored{Value: "$bcrypt-sha256$2b,4$abcdefghijklmnopqrstuu$3d.8/l9iGJqJskXY5304GRXcYslKDbe"}, "hashcat", lazy},           // computed
	{"wordpress", Stored{Value: "$wp$2y$10$Q1xinFjrZeLWJBvxviIL6u834Fu.evIEFHAUVisQ5O.w9Dm0sMdES"}, " admin\n", lazy},                                 // pinned by wp-playground; trimmed
	{"wordpress", Stored{Value: "$wp$2y$04$abcdefghijklmnopqrstuuWHVs6sal8LfOtpnQh/UZxx3ZrkYIB7u"}, "hashcat", lazy},                                  // computed
	{"bcrypt-md5", Stored{Scheme: "bcrypt-md5", Value: "$2a$05$/VT2Xs2dMd8GJKfrXhjYP.DkTjOVrY12yDN7/6I8ZV0q/1lEohLru"}, "hashcat", lazy},
	{"bcrypt-sha1", Stored{Scheme: "BCRYPT-SHA1", Value: "$2a$05$Uo385Fa0g86uUXHwZxB90.qMMdRFExaXePGka4WGFv.86I45AEjmO"}, "hashcat", lazy},
	{"bcrypt-sha256", Stored{Scheme: "bcrypt-sha256", Value: "$2b$10$FxDtpTNaL303lLcWtd6LFO2U6Gc63VJ07qycHcfqbQQ71GhO/qSzu"}, "hashcat", lazy},
	{"bcrypt-sha512", Stored{Scheme: "bcrypt-sha512", Value: "$2b$04$abcdefghijklmnopqrstuugTGzkClrlyL8CJnhiP2Oe6eUjA9ZhoG"}, "hashcat", lazy}, // computed

	// Argon2
	{"argon2", Stored{Value: "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"}, "password", converted},
	{"argon2", Stored{Value: "{argon2}$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"}, "password", converted},
	{"argon2", Stored{Value: "argon2$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$YC9+jJCrQhs5R6db7LlN8Q"}, "secret", converted},                            // Django
	{"argon2", Stored{Value: "argon2$argon2id$v=19$m=102400,t=2,p=8$Y041dExhNkljRUUy$TMa6A8fPJhCAUXRhJXCXdw"}, "secret", converted},                 // Django
	{"argon2", Stored{Value: "$argon2d$v=19$m=16,t=2,p=1$cTdzWUJjMGFmRDB4RVRuNQ$nllqyj2CadDpydSSPozmbw"}, "password", lazy},                         // a public seed file
	{"argon2", Stored{Value: "$argon2d$v=19$m=65536,t=3,p=4$HV/RIiFSYEMoRYqBcFnqfg$eGNckPZjkL2xOIHZv8Q4ROg5xbcdD8ijIJOgPwVAPmA"}, "password", lazy}, // go-crypt

	// PBKDF2
	{"pbkdf2-phc", Stored{Value: "$pbkdf2-sha512$i=1000,l=64$c2l4dGVlbiBieXRlIHNsdA$GwAGyzBGCqOHe52Jo1+T6xfURQcOoS/gbaOqtvw0HL0qFtAwAIBvtkIfID5Z+kpabishT8g8N8JUIKZ03kYLWg"}, "shh", converted}, // computed
	{"passlib-pbkdf2", Stored{Value: "$pbkdf2-sha512$25000$LyWE0HrP2RsjZCxlDGFMKQ$1vC5Ohk2mCS9b6akqsEfgeb4l74SF8XjH.SljXf3dMLHdlY1GK9ojcCKts6/asR4aPqBmk74nCDddU3tvSCJvw"}, "hashcat", converted},
	{"passlib-pbkdf2", Stored{Value: "$pbkdf2-sha256$29000$x9h7j/Ge8x6DMEao1VqrdQ$kra3R1wEnY8mPdDWOpTqOTINaAmZvRMcYd8u5OBQP9A"}, "hashcat", converted},
	{"passlib-pbkdf2", Stored{Value: "$pbkdf2$131000$r5WythYixPgfQ2jt3buXcg$8Kdr.QQEOaZIXNOrrru36I/.6Po"}, "hashcat", converted},
	{"django-pbkdf2", Stored{Value: "pbkdf2_sha256$10000$1135411628$bFYX62rfJobJ07VwrUMXfuffLfj2RDM2G6/BrTrUWkE="}, "hashcat", converted},
	{"django-pbkdf2", Stored{Value: "pbkdf2_sha1$390000$seasalt2$aDapRanzW8aHTz97v2TcfHzWD+I="}, "lètmein", converted},
	{"werkzeug-pbkdf2", Stored{Value: "pbkdf2:sha256:1000$seasalt$9d592e1879fba15535ab4d90bf3a7661666c0e09385cebfe1f32226adcc9dd81"}, "hashcat", converted}, // computed
	{"pbkdf2", Stored{Value: "sha256:1000:NjI3MDM3:vVfavLQL9ZWjg8BUMq6/FB8FtpkIGWYk"}, "hashcat", converted},
	{"pbkdf2", Stored{Value: "md5:1000:NjAxMDY4MQ==:a00DtIW9hP9voC85fmEA5uVhgdDx67nSPSm9yADHjkI="}, "hashcat", converted},
	{"pbkdf2", Stored{Value: "sha1:1000:MTYwNTM4MDU4Mzc4MzA=:aGghFQBtQ8+WVlMk5GEaMw=="}, "hashcat", converted},
	{"pbkdf2", Stored{Value: "sha512:1000:NzY2:DNWohLbdIWIt4Npk9gpTvA=="}, "hashcat", converted},
	{"pbkdf2", Stored{Value: "sha1:1000:18:c2l4dGVlbiBieXRlIHNsdA==:P18FAg/liWN7PXWsxbnyjk5a"}, "hashcat", converted},                              // computed
	{"ldap-pbkdf2", Stored{Value: "{PBKDF2-SHA256}1000$c2l4dGVlbiBieXRlIHNsdA$zIyDcnYiZPFXSz/EFflzMYnLXAVj7LJbn.483Tc65Dg"}, "hashcat", converted}, // computed
	{"ldap-pbkdf2", Stored{Value: "{PBKDF2}1000$c2l4dGVlbiBieXRlIHNsdA$P18FAg/liWN7PXWsxbnyjk5akRs"}, "hashcat", converted},                        // computed
	{"389ds-pbkdf2", Stored{Value: "{PBKDF2_SHA256}AAAIAG+ooTntmgayOuMZRJuCMFVykCVWcVF3tw8YTlvFp9KF9UnFYhgpz8fC03o4Jv5KD4rQ4GsdXHIRlg/doyd1xOVFDYUZYAPHjnSpm9XnzIcaS4ZCV/JeLqueyeZQWKOlCH+k9BCmO2HZC7AKXWGMG5bJ8GLALceyf0xioP447wehg8caWYY7f2VYBz6k233DUkgV5NqswzuEwtLdDDFjpro0Ac15ok6fS0vqjDfiMs0ai5FCbivEKw4j6ZyuXHCpck6gcH8lh33rs779ZaLAgtIeeW+xdea3BDCQXhuHwCqIxxifLn2gQy/lLxlikXb82gk2ClADhwoG5RIdJ3ABrPDB100yw6QJ7NF14vV7DDzqxqylocWD/l1xw8HIYdkCpRG8PyfLz8TOR+Mgq0uB/mddrSkU6Hsmg9MkGpST69av"}, "password", converted}, // FreeIPA
	{"atlassian", Stored{Value: "{PKCS5S2}NTczNTY0NDY2NjQyNzU1Mx8gGiRGobaZYwumctGHbn2ZOHB8LkwzH+Z1gkWfy1zD"}, "hashcat", converted},
	{"mediawiki-pbkdf2", Stored{Value: ":pbkdf2:sha512:1000:64:c2l4dGVlbiBieXRlIHNsdA==:R+9Ie3gtdqu00TbVW8iHBYJTh7dBY/+J7PFXSsQPHBxB32HGhFKPDaJpL+lEGv8rQaBvD3oa46WHdwz/wnh7LQ=="}, "hashcat", converted},                                                                                                                         // computed
	{"keycloak", Stored{Scheme: "keycloak", Value: `{"value":"KqABIiReBuRWbP4pBct3W067pNvYzeN7ILBV+8vT8nuF5cgYs2fdl2QikJT/7bGTW/PBXg6CYLwJQFYrBK9MWg==","salt":"EPgscX9CQz7UnuZDNZxtMw=="}`, Salt: `{"hashIterations":27500,"algorithm":"pbkdf2-sha256"}`}, "alice-password", converted},                                          // strimzi's realm
	{"keycloak", Stored{Scheme: "keycloak", Value: `{"value":"nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4=","salt":"c29tZXNhbHQ="}`, Salt: `{"hashIterations":2,"algorithm":"argon2","additionalParameters":{"hashLength":["32"],"memory":["256"],"type":["id"],"version":["1.3"],"parallelism":["1"]}}`}, "password", converted}, // PHC's vector in Keycloak's form

	// ASP.NET
	{"aspnet-identity-v2", Stored{Value: "AOpHWX+WEzHPkznrDx904KLk8h2yCbTiiBYVdskTN/1ToeEupAlY8/zSsH33zUsjBg=="}, "Pa$$w0rd", converted}, // FusionAuth
	{"aspnet-identity-v2", Stored{Value: "ANXrDknc7fGPpigibZXXZFMX4aoqz44JveK6jQuwY3eH/UyPhvr5xTPeGYEckLxz9A=="}, "my password", converted},
	{"aspnet-identity-v3", Stored{Value: "AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw"}, "my password", converted},
	{"aspnet-identity-v3", Stored{Value: "AQAAAAIAAAD6AAAAIJbVi5wbMR+htSfFp8fTw8N8GOS/Sje+S/4YZcgBfU7EQuqv4OkVYmc4VJl9AGZzmRTxSkP7LtVi9IWyUxX8IAAfZ8v+ZfhjCcudtC1YERSqE1OEdXLW9VukPuJWBBjLuw=="}, "my password", converted},
	{"aspnet-identity-v3", Stored{Value: "AQAAAAAAAAD6AAAAEAhftMyfTJylOlZT+eEotFXd1elee8ih5WsjXaR3PA9M"}, "my password", converted},
	{"aspnet-identity-v3", Stored{Value: "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw=="}, "my password", converted},
	{"aspnet-membership-sha1", Stored{Scheme: "aspnet-membership-sha1", Value: "ZUgAmuaYTqAvisD0A427FA3oaWU", Salt: "MjEwNA=="}, "hashcat", converted},                                // hashcat's EPiServer
	{"aspnet-membership-sha256", Stored{Scheme: "aspnet-membership-sha256", Value: "8BFCg/YJBAuZs/wjbH3OWKe69BLr5Lao26ybpnD48Zk", Salt: "NDg1NTIz"}, "hashcat", converted},            // hashcat's EPiServer
	{"aspnet-membership-sha1", Stored{Scheme: "aspnet-membership-sha1", Value: "GB2qSyblmYlbYQ8MJ0+UVm74dWM=", Salt: saltOf0to15}, "Pässwörd", converted},                             // computed
	{"aspnet-membership-sha256", Stored{Scheme: "aspnet-membership-sha256", Value: "OC4fp7UOtZWNKLlJ0x8ojgs+WyyNB7rLQuw3vDgDJ2M=", Salt: saltOf0to15}, "Pässwörd", converted},         // computed
	{"aspnet-membership-hmacsha256", Stored{Scheme: "aspnet-membership-hmacsha256", Value: "/Z28Q+bHQ4N4bwBX5xBRIq+i1LJuBOqu5+vm0Asgqws=", Salt: saltOf0to15}, "Pässwörd", converted}, // computed

	// scrypt
	{"scrypt", Stored{Value: "SCRYPT:16384:8:1:OTEyNzU0ODg=:Cc8SPjRH1hFQhuIPCdF51uNGtJ2aOY/isuoMlMUsJ8c="}, "hashcat", converted},
	{"django-scrypt", Stored{Value: "scrypt$16384$seasalt$8$1$Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkXFRkdVCBhhY8mx7rQwite/Pw=="}, "lètmein", converted},
	{"werkzeug-scrypt", Stored{Value: "scrypt:1024:8:1$seasalt$636b28e1bd76b9e9b5ce46cb9879040f847857e4e2ea9a70273e88122c4bb88f824057d95be7de2a249059bb4451687b7fa765b4b3d843d74722debc7886bdb7"}, "hashcat", converted}, // computed
	{"passlib-scrypt", Stored{Value: "$scrypt$ln=4,r=8,p=1$ySYknWRq9On6wWfpsOUQQg$C28LpWaXQ3P0/dcbN0njxJx4VL/UCQIAWlnYAJgT/mY"}, "password", converted},                                                                  // go-crypt
	{"passlib-scrypt", Stored{Value: "$scrypt$ln=10,p=1,r=8$6DKLnvUYEeXWh3JNOd3iwg==$kSrhdHaRbZ7R74q3lGBqO1xetgxRxhmWzYJ2Qvfm7JM="}, "secret", converted},                                                                // PowerDNS
	{"spring-scrypt", Stored{Value: "{scrypt}$e0801$8bWJaSu2IKSn9Z9kM+TPXfOc/9bdYSrN1oD9qfVThWEwdRTnO7re7Ei+fUZRJ68k9lTyuTeUp4of4g24hHnazw==$OAOec05+bXxvuu/1qZ6NUR+xQYvYv7BeL1QxwRpY5Pc="}, "password", converted},
	{"scrypt-crypt", Stored{Value: "$7$06..../....SodiumChloride$ENlyo6fGw4PCcDBOFepfSZjFUnVatHzCcW55.ZGz3B0"}, "pleaseletmein", converted}, // yescrypt's tests

	// crypt(5)
	{"md5-crypt", Stored{Value: "$1$38652870$DUjsu4TTlTsOe/xxZ05uf/"}, "hashcat", lazy},
	{"md5-crypt", Stored{Value: "{CRYPT}$1$abcdefgh$eJMSH4cmS8c52AUmoxvwT0"}, "lètmeinlètmeinlètmeinlètmeinlètmein", lazy}, // computed
	{"apr1", Stored{Value: "$apr1$62722340$zGjeAwVP2KwY6MtumUI1N/"}, "hashcat", lazy},
	{"sha1-crypt", Stored{Value: "$sha1$20000$75552156$HhYMDdaEHiK3eMIzTldOFPnw.s2Q"}, "hashcat", lazy},
	{"sha256-crypt", Stored{Value: "$5$7777657035274252$XftMj84MW.New1/ViLY5V4CM4Y7EBvfETaZsCW9vcJ8"}, "hashcat", lazy},
	{"sha256-crypt", Stored{Value: "$5$rounds=1000$abc$4J8AKYQoiPh8f4DdCtjJrDnItZGpc2F0CEOe4VwhiW3"}, "lètmein", lazy}, // computed
	{"sha512-crypt", Stored{Value: "$6$72820166$U4DVzpcYxgw7MVVDGGvB2/H5lRistD5.Ah4upwENR5UtffLR4X4SxSzfREv8z6wVl0jRFX40/KnYVvK4829kD1"}, "hashcat", lazy},
	{"sha512-crypt", Stored{Value: "$6$rounds=1234$abcdefghijklmnop$mPKChQoQsVX1H/juQuB80JYbh72RMkgz6uTagVuHHnU9Fu9M6YkJzQx/oFmlpPA2cDgwL5YqU/lZBAd3r3w2G1"}, "lètmein", lazy},                             // computed
	{"yescrypt", Stored{Value: "$y$j75$z7ztFz2FayrKI79/jEwlL.$u5x/j193MQ09wbFaRGYr0AH/A/jh3kunjuhYRVRNkmC"}, "test1", lazy},                                                                                // go-crypt
	{"yescrypt", Stored{Value: "$y$j75$abcdefghijkl$6Ae1ZHmw2zlHO.Jiyi4DRSaVL68VzzVpeD7NidiTWK4"}, "lètmein", lazy},                                                                                        // computed
	{"gost-yescrypt", Stored{Value: "$gy$j9T$AAAABBBBCCCC$lvpq3ZGEmN6vjdluL2cujekOPIcKXd9ZmrEjwh6gz/1"}, "password", lazy},                                                                                 // libxcrypt
	{"gost-yescrypt", Stored{Value: "$gy$j75$z7ztFz2FayrKI79/jEwlL.$QhZonm1pVW2gd/skE9fRa09E0JgI0v0ELMdwyB0KD58"}, "lètmein xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", lazy}, // libxcrypt

	{"des-crypt", Stored{Scheme: "des-crypt", Value: "48c/R8JAv757A"}, "hashcat", lazy},
	{"des-crypt", Stored{Scheme: "des-crypt", Value: "N1tQbOFcM5fpg"}, "test", lazy}, // passlib
	{"des-crypt", Stored{Value: "{CRYPT}OgAwTx2l6NADI"}, "", lazy},                   // passlib
	{"des-crypt", Stored{Value: "{crypt}/zZA0aF/DwnZo"}, "lètme", lazy},              // computed

	// phpass
	{"phpass", Stored{Value: "$P$946647711V1klyitUYhtB8Yw5DMA/w."}, "hashcat", lazy},
	{"phpass", Stored{Value: "$P$BVrdsW/NUuXDi0Od0uUdk2SnJHHmQ01"}, "bitnami", lazy}, // FusionAuth
	{"phpass", Stored{Value: "$H$946647711V1klyitUYhtB8Yw5DMA/w."}, "hashcat", lazy}, // phpBB3's label
	{"drupal7", Stored{Value: "$S$C20340258nzjDWpoQthrdNTR02f0pmev0K/5/Nx80WSkOQcPEQRh"}, "hashcat", lazy},
	{"drupal7", Stored{Value: "U$S$9c47LGZuhR6TvhRQXzymkJIQ3mXthUCc6KDEGTt4B7eOL/H9Ykuy"}, "pouette1234", lazy}, // DokuWiki

	// LDAP
	{"ldap", Stored{Value: "{SHA}uJ6qx+YUFzQbcQtyd2gpTQ5qJ3s="}, "hashcat", converted},
	{"ldap", Stored{Value: "{SSHA}FLzWcQqyle6Mo7NvrwXCMAmRzXQxNjYxMTYzNw=="}, "hashcat", converted},
	{"ldap", Stored{Value: "{ssha-256}L5Wk0zPY2lmoR5pH20zngq37KkxFwgTquEhx95rxfVk3Ng=="}, "hashcat", converted},
	{"ldap", Stored{Value: "{SSHA512}Bz8w5q6qEtB1Nnc8b1jfTvTXVTwohWag33oghQGOtLChnkZTw/cuJaHQlLJEI3AWKZGCRyLA6Phujdxo+is7AjA2MDcyNjY1Mg=="}, "hashcat", converted},
	{"ldap", Stored{Value: "{SSHA384}/cgEjdoZh85DhurDeOQEMO1rMlAur93SVPbYe5XSD4lF7nNuvrBju5hUeg9A6agRemgSXGl5YuE="}, "shh", converted}, // Auth0's own
	{"ldap", Stored{Value: "{MD5}h0O1IGPNhAl6ZdFjP1x09Q=="}, "hashcat", converted},                                                     // computed
	{"ldap", Stored{Value: "{SMD5}zXXWW6eICejpQqwFi7YVlnNhbHQ="}, "hashcat", converted},                                                // computed
	{"ldap", Stored{Value: "{SSHA224}vxdQ0HEdINVnQbjcF6fDhtGtYutCIV8zXxVJKHNhbHQ="}, "hashcat", converted},                             // computed
	{"ldap", Stored{Value: "{SHA384}Bzca8cofynxpQdI5nzYQ8eOSxWxtc/3f/jjxjEMKKBcCja4e8JrGg7YhSKLIdX9C"}, "hashcat", converted},          // computed
	{"ldap", Stored{Value: "{ldap}{SHA}uJ6qx+YUFzQbcQtyd2gpTQ5qJ3s="}, "hashcat", converted},                                           // Spring's label

	// Spring
	{"spring-pbkdf2", Stored{Value: "{pbkdf2}5d923b44a6d129f3ddf3e3c8d29412723dcbde72445e8ef6bf3b508fbf17fa4ed4d6b99ca763d8dc"}, "password", converted},
	{"spring-pbkdf2", Stored{Scheme: "", Value: "{pbkdf2@SpringSecurity_v5_8}000102030405060708090a0b0c0d0e0f5462b02d6b56c722fcacb0e157880d39e5549810ae728f6efb1feafc9e59876a", Salt: "secret"}, "hashcat", converted}, // computed
	{"spring-standard", Stored{Value: "{sha256}97cde38028ad898ebc02e690819fa220e88c62e0699403e94fff291cfffaf8410849f27605abcbc0"}, "password", lazy},
	{"spring-digest", Stored{Value: "{MD5}{seasalt}a5cd83fcc468380718d2df1d662f3cbe"}, "hashcat", converted},                            // computed
	{"spring-digest", Stored{Value: "{SHA-256}127e6fbfe24a750e72930c220a8e138275656b8e5d8f48a98c3c92df2caba935"}, "hashcat", converted}, // computed
	{"spring-digest", Stored{Value: "{SHA-1}{c2Vh}387b4a9c4ddf518994b82aac2384aadd5e31ac20"}, "hashcat", converted},                     // computed

	// Digests
	{"django-sha1", Stored{Value: "sha1$fe76b$02d5916550edf7fc8c886f044887f4b1abf9b013"}, "hashcat", converted},
	{"django-sha1", Stored{Value: "sha1$$6d138ca3ae545631b3abd71a4f076ce759c5700b"}, "lètmein", converted},
	{"django-md5", Stored{Value: "md5$seasalt$3f86d0d3d465b7b458c231bf3555c0e3"}, "lètmein", converted},
	{"md5", Stored{Scheme: "md5", Value: "88a434c88cca4e900f7874cd98123f43"}, "lètmein", converted}, // Django's unsalted_md5
	{"md4", Stored{Scheme: "md4", Value: "AbuUujgF0pPPkJPSFRTpmA=="}, "shh", converted},             // Auth0's own
	{"sha1", Stored{Scheme: "sha1", Value: "b89eaac7e61417341b710b727768294d0e6a277b"}, "hashcat", converted},
	{"sha256", Stored{Scheme: "sha256", Value: "127E6FBFE24A750E72930C220A8E138275656B8E5D8F48A98C3C92DF2CABA935"}, "hashcat", converted},                                                             // computed
	{"sha512", Stored{Scheme: "sha512", Value: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"}, "abc", converted}, // FIPS 180
	{"md5-salt-suffix", Stored{Scheme: "md5-salt-suffix", Value: "3d83c8e717ff0e7ecfe187f088d69954:343141"}, "hashcat", converted},
	{"md5-salt-prefix", Stored{Scheme: "md5-salt-prefix", Value: "57ab8499d08c59a7211c77f557bf9425", Salt: "4247"}, "hashcat", converted},
	{"sha1-salt-suffix", Stored{Scheme: "sha1-salt-suffix", Value: "848952984db93bdd2d0151d4ecca6ea44fcf49e3", Salt: "30007548152"}, "hashcat", converted},
	{"sha1-salt-prefix", Stored{Scheme: "sha1-salt-prefix", Value: "a428863972744b16afef28e0087fc094b44bb7b1", Salt: "465727565"}, "hashcat", converted},
	{"sha256-salt-suffix", Stored{Scheme: "sha256-salt-suffix", Value: "5bb7456f43e3610363f68ad6de82b8b96f3fc9ad24e9d1f1f8d8bd89638db7c0", Salt: "12480864321"}, "hashcat", converted},
	{"sha256-salt-prefix", Stored{Scheme: "sha256-salt-prefix", Value: "816d1ded1d621873595048912ea3405d9d42afd3b57665d9f5a2db4d89720854", Salt: "36176620"}, "hashcat", converted},
	{"joomla", Stored{Scheme: "joomla", Value: "b78f863f2c67410c41e617f724e22f34:89384528665349271307465505333378"}, "hashcat", converted},
	{"oscommerce", Stored{Scheme: "oscommerce", Value: "e983672a03adcc9767b24584338eb378:00"}, "hashcat", converted},
	{"magento2", Stored{Value: "8cbb10c33d948774fc54b538c4463498ca670bf8119bdf02a1bae72887598b3c:seasalt:1"}, "hashcat", converted},                                          // computed
	{"magento2", Stored{Value: "089ea2925e4984c0c50bdaa9526f32df:seasalt:0"}, "hashcat", converted},                                                                          // computed
	{"magento2", Stored{Value: "ab5ebf8d273b085b6a60336198e0a5a2090fdc3e0606a678315c7274ab06e046:5PiKJRn28bBKoFMopMaaKuV47aJ6GzVg:3_32_2_67108864"}, "Password@", converted}, // a cracker's example
	{"nt", Stored{Scheme: "nt", Value: "b4b9b02e6f09a9bd760f388b67351e2b"}, "hashcat", converted},
	{"nt", Stored{Value: "$NT$b4b9b02e6f09a9bd760f388b67351e2b"}, "hashcat", converted},
	{"mediawiki-a", Stored{Value: ":A:8743b52063cd84097a65d1633f5c74f5"}, "hashcat", converted}, // computed
	{"werkzeug-hmac", Stored{Value: "sha256$70108387805$8b9472281c36c3a693703de0e0f1ffab8fc0ecdd3bc5ead04c76dd74ef431e49"}, "hashcat", converted},
	{"werkzeug-hmac", Stored{Value: "sha512$seasalt$0edf16ced2fd8eaf35fd63f34efa52c67af4b4867f425c00373274dcd99d26ae0abe802e98ebb5f9dda1bbe498515a516f798089f2bfb8a185731d9e3306263e"}, "hashcat", converted}, // computed
	{"hmac-md5", Stored{Scheme: "hmac-md5", Value: "7f51edecfa6fb401a0b5e63d33fc8c0e:84143"}, "hashcat", converted},
	{"hmac-sha1", Stored{Scheme: "hmac-sha1", Value: "8d7cb4d4a27a438059bb83a34d1e6cc439669168", Salt: "2134817"}, "hashcat", converted},
	{"hmac-sha256", Stored{Scheme: "hmac-sha256", Value: "8b9472281c36c3a693703de0e0f1ffab8fc0ecdd3bc5ead04c76dd74ef431e49", Salt: "70108387805"}, "hashcat", converted},
	{"hmac-sha512", Stored{Scheme: "hmac-sha512", Value: "7d02921299935179d509e6dd4f3d0f2944e3451ea9de3af16baead6a7297e5653577d2473a0fff743d9fe78a89bd49296114319989dc7e7870fc7f62bc96accb", Salt: "114"}, "hashcat", converted},

	// Digests of digests
	{"mediawiki-b", Stored{Value: "$B$2152187716$8c8b39c3602b194eeeb6cac78eea2742"}, "hashcat", lazy},
	{"mediawiki-b", Stored{Value: ":B:2152187716:8c8b39c3602b194eeeb6cac78eea2742"}, "hashcat", lazy},
	{"mysql", Stored{Value: "*FCF7C1B8749CF99D88E5F34271D636178FB5D130"}, "hashcat", lazy},
	{"vbulletin", Stored{Scheme: "vbulletin", Value: "28f9975808ae2bdc5847b1cda26033ea", Salt: "308"}, "hashcat", lazy},
	{"vbulletin", Stored{Scheme: "vbulletin", Value: "0844fbb2fdeda31884a7a45ec2010bb6:324410183853308365427804872426"}, "hashcat", lazy},
	{"mybb", Stored{Scheme: "mybb", Value: "022f7e02b3314f7d0968f73c00ba759f", Salt: "67588"}, "hashcat", lazy},
	{"restful-auth", Stored{Scheme: "restful-auth", Value: "3999d08db95797891ec77f07223ca81bf43e1be2:5dcc47b04c49d3c8e1b9e4ec367fddeed21b7b85"}, "hashcat", lazy},
	{"symfony-sha512", Stored{Scheme: "symfony-sha512", Value: "A0ukEB013ysuvJhvCVQidRvnHayofFL8SAIfkYJPHW03rECGCFCRoYG6960CIqR/yFs/ZRTxhpBqy7Jh81jgyg==", Salt: "salt"}, "pw", lazy}, // computed

	// In columns, and others: hashcat's 132, 1731, 12, 7200, 10900 and 11900 on, passlib's documents, Firebase's scrypt
	{"mssql", Stored{Value: "0x010018102152f8f28c8499d8ef263c53f8be369d799f931b2fbe"}, "hashcat", converted},
	{"mssql", Stored{Value: "0x02000102030434ea1b17802fd95ea6316bd61d2c94622ca3812793e8fb1672487b5c904a45a31b2ab4a78890d563d2fcf5663e46fe797d71550494be50cf4915d3f4d55ec375"}, "hashcat", converted},
	{"postgres-md5", Stored{Value: "md5a6343a68d964ca596d9752250d54bb8a", Salt: "postgres"}, "hashcat", converted},
	{"grub", Stored{Value: "grub.pbkdf2.sha512.10000.7d391ef48645f626b427b1fae06a7219b5b54f4f02b2621f86b5e36e83ae492bd1db60871e45bc07925cecb46ff8ba3db31c723c0c6acbd4f06f60c5b246ecbf.26d59c52b50df90d043f070bd9cbcd92a74424da42b3666fdeb08f1a54b8f1d2f4f56cf436f9382419c26798dc2c209a86003982b1e5a9fcef905f4dfaa4c524"}, "hashcat", converted},
	{"cryptacular", Stored{Value: "$p5k2$2710$oX9ZZOcNgYoAsYL-8bqxKg==$AU2JLf2rNxWoZxWxRCluY0u6h6c="}, "password", converted},
	{"dlitz", Stored{Value: "$p5k2$2710$.pPqsEwHD7MiECU0$b8TQ5AMQemtlaSgegw5Je.JBE3QQhLbO"}, "password", converted},
	{"firebase", Stored{
		Scheme: "firebase", Value: "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
		Salt: "42xEC+ixf3L2lw==:jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==:Bw==:8:14",
	}, "user1password", lazy},
	{"pbkdf2-sha256", Stored{Scheme: "pbkdf2-sha256@base64", Value: "vVfavLQL9ZWjg8BUMq6/FB8FtpkIGWYk", Salt: "NjI3MDM3", Iterations: "1000"}, "hashcat", converted},
	{"pbkdf2-sha256", Stored{Scheme: "pbkdf2-sha256", Value: "bd57dabcb40bf595a383c05432aebf141f05b69908196624", Salt: "627037", Iterations: "1000"}, "hashcat", converted},
	{"sha256-salt-prefix", Stored{Scheme: "sha256-salt-prefix@hex", Value: "816d1ded1d621873595048912ea3405d9d42afd3b57665d9f5a2db4d89720854", Salt: "3336313736363230"}, "hashcat", converted},
	{"md5-salt-prefix", Stored{Scheme: "md5-salt-prefix@base64", Value: "57ab8499d08c59a7211c77f557bf9425", Salt: "NDI0Nw=="}, "hashcat", converted},
	{"md5-salt-prefix", Stored{Scheme: "md5-salt-prefix", Value: "57ab8499d08c59a7211c77f557bf9425\x00\x00 \r\n", Salt: "4247"}, "hashcat", converted}, // padded
	{"pbkdf2-sha1", Stored{Scheme: "pbkdf2-sha1@base64", Value: "aGghFQBtQ8+WVlMk5GEaMw==", Salt: "MTYwNTM4MDU4Mzc4MzA=", Iterations: "1000"}, "hashcat", converted},
	{"pbkdf2-sha512", Stored{Scheme: "pbkdf2-sha512@base64", Value: "DNWohLbdIWIt4Npk9gpTvA==", Salt: "NzY2", Iterations: "1000"}, "hashcat", converted},

	// Plain text
	{"plain", Stored{Value: "{noop}password"}, "password", direct},
	{"plain", Stored{Scheme: "plain", Value: "!bang{}"}, "!bang{}", direct},
}

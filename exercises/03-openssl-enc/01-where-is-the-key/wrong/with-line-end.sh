./recipe.sh
{ head -n 1 my-aes-key.bin; printf "\001\002\003\004\005\006\007\010"; } | sha256sum | cut -d" " -f1 > derived.hex

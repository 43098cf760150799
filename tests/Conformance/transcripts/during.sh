# during.sh WATCH CHANGES [LINES]: runs a kubectl command that watches, and makes changes once its watch has begun. Shows what it printed:
# all of it when it ends by itself, else that many lines.
: >during.out
: >during.log
eval "exec $1 -v=6" >>during.out 2>>during.log &
watch=$!
# That a watch has begun, or that it looks for what is not there yet, is said by kubectl's log alone.
sh until.sh 'grep -q -e "watch=true.*200 OK" -e "404 Not Found" during.log'
eval "$2" >/dev/null
if [ -n "$3" ]; then
  sh until.sh "[ \$(wc -l <during.out) -ge $3 ]"
  kill $watch
  wait $watch 2>/dev/null
  code=0
else
  wait $watch
  code=$?
fi
cat during.out
# The rest of what it wrote there is its own; an answer of the server is logged over several lines.
sed -e '/^[IWE][0-9]\{4\} .*\[{$/,/^}\]$/d' -e '/^[IWE][0-9]\{4\} /d' during.log
exit $code

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** What a shell asks the hidden command `complete`: a candidate a line, its description behind a tab. Without candidates it completes file names. */
export const SHELL_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `_mulgil() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(mulgil complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -o bashdefault -F _mulgil mulgil`,
  zsh: `#compdef mulgil
_mulgil() {
  local line
  local -a found
  while IFS= read -r line; do
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <(mulgil complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then _describe mulgil found; else _files; fi
}
if [ "\${funcstack[1]}" = _mulgil ]; then _mulgil "$@"; else compdef _mulgil mulgil; fi`,
  fish: `complete -c mulgil -a "(mulgil complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)"`,
};

// Pages and texts that make people give something away.

rule lure_page_that_asks_for_a_password
{
    meta:
        id = "lure-001"
        author = "Postern"
        severity = "medium"
        technique = "T1598.002"
        description = "A page in a message with a form for a password that is sent elsewhere"
    strings:
        $password = /<input\s[^>]{0,300}type\s*=\s*["']?password/ nocase
        $form = /<form\s[^>]{0,300}action\s*=\s*["']?\s*(https?:)?\/\// nocase
        $script1 = "XMLHttpRequest" nocase
        $script2 = /fetch\s*\(\s*["'`]https?:/ nocase
        $script3 = /\$\.(ajax|post)\s*\(/ nocase
    condition:
        filesize < 5MB and $password and any of ($form, $script1, $script2, $script3)
}

rule lure_page_that_reports_to_a_bot
{
    meta:
        id = "lure-002"
        author = "Postern"
        severity = "high"
        technique = "T1567"
        description = "A page that sends what is typed to a Telegram bot"
    strings:
        $bot = /api\.telegram\.org\/bot/ nocase
        $input = "<input" nocase
        $send = "sendMessage" nocase
    condition:
        filesize < 5MB and $bot and any of ($input, $send)
}

rule lure_paste_this_to_prove_you_are_human
{
    meta:
        id = "lure-003"
        author = "Postern"
        severity = "high"
        technique = "T1204.004"
        description = "A page that makes its reader paste a command (ClickFix)"
    strings:
        $copy1 = "navigator.clipboard.writeText" nocase
        $copy2 = /execCommand\s*\(\s*["']copy/ nocase
        $key1 = /(win(dows)?( key| button)?\s*(<\/?\w+>|\s)*\+\s*(<\/?\w+>|\s)*R\b)/ nocase
        $key2 = /ctrl\s*(<\/?\w+>|\s)*\+\s*(<\/?\w+>|\s)*V\b/ nocase
        $run1 = "powershell" nocase
        $run2 = "mshta" nocase
        $run3 = "cmd /c" nocase
    condition:
        filesize < 5MB and (($key1 and $key2) or any of ($copy*)) and any of ($run*) and ($key1 or $key2)
}

rule lure_paid_or_shown
{
    meta:
        id = "lure-004"
        author = "Postern"
        severity = "medium"
        technique = "T1657"
        description = "Extortion with a recording that does not exist"
    strings:
        $wallet = /\b(bc1[a-z0-9]{25,60}|[13][a-km-zA-HJ-NP-Z1-9]{25,34})\b/
        $w1 = "webcam" nocase
        $w2 = "masturbat" nocase
        $w3 = "recorded you" nocase
        $w4 = "your contacts" nocase
        $w5 = "porn" nocase
        $w6 = "RAT " fullword
        $w7 = "keylogger" nocase
        $pay = "bitcoin" nocase
    condition:
        filesize < 200KB and $wallet and $pay and 2 of ($w*)
}

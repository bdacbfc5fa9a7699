// What fetches or unpacks a program as soon as it is opened. Each rule is about the octets of one part or archive member.
// Each rule has an id, an author, and a file of specimens that it finds and letters that it passes over: specimens/RULE.yaml.

rule eicar_test_file
{
    meta:
        id = "dropper-001"
        author = "Postern"
        severity = "low"
        technique = "T1204.002"
        description = "The EICAR test file: proves that the engine works"
    strings:
        $eicar = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
    condition:
        $eicar at 0 and filesize < 132
}

rule powershell_downloader
{
    meta:
        id = "dropper-002"
        author = "Postern"
        severity = "high"
        technique = "T1059.001"
        description = "PowerShell that fetches something and runs it"
    strings:
        $shell = "powershell" nocase ascii wide
        $fetch1 = "DownloadString" nocase ascii wide
        $fetch2 = "DownloadFile" nocase ascii wide
        $fetch3 = "DownloadData" nocase ascii wide
        $fetch4 = "Invoke-WebRequest" nocase ascii wide
        $fetch5 = "Start-BitsTransfer" nocase ascii wide
        $fetch6 = /\biwr\s+-?\w*\s*['"]?https?:/ nocase ascii
        $run1 = /\bIEX\b/ nocase ascii wide
        $run2 = "Invoke-Expression" nocase ascii wide
        $run3 = "Start-Process" nocase ascii wide
        $run4 = "-WindowStyle Hidden" nocase ascii wide
        $run5 = /-w(in)?\s+hidden/ nocase ascii wide
    condition:
        filesize < 5MB and $shell and any of ($fetch*) and any of ($run*)
}

rule powershell_encoded_command
{
    meta:
        id = "dropper-003"
        author = "Postern"
        severity = "high"
        technique = "T1027.010"
        description = "PowerShell with a long encoded command"
    strings:
        $encoded = /powershell(\.exe)?["']?\s[^\r\n]{0,200}-e(nc|ncodedcommand|c)?\s+["']?[A-Za-z0-9+\/=]{80}/ nocase ascii wide
    condition:
        filesize < 5MB and $encoded
}

rule script_host_dropper
{
    meta:
        id = "dropper-004"
        author = "Postern"
        severity = "high"
        technique = "T1059.005"
        description = "JScript or VBScript that fetches or writes a file and starts it"
    strings:
        $host1 = "WScript.Shell" nocase
        $host2 = "Shell.Application" nocase
        $get1 = "MSXML2.XMLHTTP" nocase
        $get2 = "WinHttp.WinHttpRequest" nocase
        $get3 = "ADODB.Stream" nocase
        $get4 = "MSXML2.ServerXMLHTTP" nocase
        $do1 = "SaveToFile" nocase
        $do2 = /\.(Run|Exec|ShellExecute)\s*\(/ nocase
    condition:
        filesize < 5MB and any of ($host*) and any of ($get*) and any of ($do*)
}

rule living_off_the_land
{
    meta:
        id = "dropper-005"
        author = "Postern"
        severity = "high"
        technique = "T1218"
        description = "A program of the system made to fetch or run something of the network"
    strings:
        $certutil = /certutil(\.exe)?\s[^\r\n]{0,100}-urlcache/ nocase ascii wide
        $bitsadmin = /bitsadmin(\.exe)?\s[^\r\n]{0,100}\/transfer/ nocase ascii wide
        $mshta = /mshta(\.exe)?["']?\s+["']?(https?:|javascript:|vbscript:)/ nocase ascii wide
        $regsvr = /regsvr32(\.exe)?\s[^\r\n]{0,100}\/i:https?:/ nocase ascii wide
        $msiexec = /msiexec(\.exe)?\s[^\r\n]{0,60}\/(i|package)\s+["']?https?:/ nocase ascii wide
        $rundll = /rundll32(\.exe)?\s+["']?\\\\[\w.\-@]{3,80}\\/ nocase ascii wide
        $curl = /curl(\.exe)?\s[^\r\n]{0,200}-o\s+[^\r\n]{1,100}&&?\s*(start|cmd|rundll32|wscript)/ nocase ascii wide
    condition:
        filesize < 5MB and any of them
}

rule program_inside_script
{
    meta:
        id = "dropper-006"
        author = "Postern"
        severity = "high"
        technique = "T1027.006"
        description = "A script or page that carries a Windows program in base64"
    strings:
        $program = /["'`(,=]TV[opqrA][A-Za-z0-9+\/]{3,8}AA[A-Za-z0-9+\/]{200}/
        $script1 = "<script" nocase
        $script2 = "ActiveXObject" nocase
        $script3 = "CreateObject" nocase
        $script4 = "FromBase64String" nocase
        $script5 = "atob(" nocase
    condition:
        $program and any of ($script*)
}

rule shortcut_to_interpreter
{
    meta:
        id = "dropper-007"
        author = "Postern"
        severity = "high"
        technique = "T1204.002"
        description = "A shortcut that starts an interpreter"
    strings:
        $w1 = "powershell" nocase ascii wide
        $w2 = "mshta" nocase ascii wide
        $w3 = "cmd.exe" nocase ascii wide
        $w4 = "wscript" nocase ascii wide
        $w5 = "rundll32" nocase ascii wide
        $w6 = "conhost" nocase ascii wide
        $w7 = "forfiles" nocase ascii wide
    condition:
        uint32(0) == 0x0000004C and uint32(4) == 0x00021401 and any of them
}

rule internet_shortcut_to_share
{
    meta:
        id = "dropper-008"
        author = "Postern"
        severity = "high"
        technique = "T1187"
        description = "An Internet shortcut to a file share or WebDAV folder"
    strings:
        $head = "[InternetShortcut]" nocase
        $share = /^\s*URL\s*=\s*(file:\/\/|\\\\)/ nocase
        $share_later = /\n\s*URL\s*=\s*(file:\/\/|\\\\)/ nocase
        $icon = /\n\s*IconFile\s*=\s*\\\\/ nocase
    condition:
        filesize < 16KB and $head and any of ($share, $share_later, $icon)
}

rule equation_editor_object
{
    meta:
        id = "dropper-009"
        author = "Postern"
        severity = "high"
        technique = "T1203"
        description = "An object for the old equation editor (CVE-2017-11882)"
    strings:
        $class = { 02 CE 02 00 00 00 00 00 C0 00 00 00 00 00 00 46 }
        $name = "Equation.3" nocase ascii wide
        $rtf = "4571756174696f6e2e33" nocase
    condition:
        (uint32be(0) == 0xD0CF11E0 and ($class or $name)) or (uint32be(0) == 0x7B5C7274 and ($rtf or $name))
}

rule notes_with_a_script
{
    meta:
        id = "dropper-010"
        author = "Postern"
        severity = "high"
        technique = "T1204.002"
        description = "A OneNote section with a script or program in it"
    strings:
        $store = { E7 16 E3 BD 65 26 11 45 A4 C4 8D 4D 0B 7A 9E AC }
        $script1 = "WScript" nocase
        $script2 = "powershell" nocase
        $script3 = "<hta:" nocase
        $script4 = "@echo off" nocase
        $script5 = "This program cannot be run"
        $script6 = "<script" nocase
    condition:
        uint32be(0) == 0xE4525C7B and $store and any of ($script*)
}

<#
.SYNOPSIS
  Installs a Swarm node as a Windows service that starts with the machine, or takes it away again. Run as administrator.
.EXAMPLE
  .\install-service.ps1 -Program C:\Swarm\swarm.exe -Invite swarm1…
.EXAMPLE
  .\install-service.ps1 -Remove
#>
param(
    [string] $Program = (Join-Path $PSScriptRoot 'swarm.exe'),
    [string] $Invite,
    [string] $HomeFolder = (Join-Path $env:ProgramData 'Swarm'),
    [string] $Arguments = '',
    [switch] $Remove
)
$ErrorActionPreference = 'Stop'
$name = 'swarm'

if ($Remove) {
    Stop-Service $name -ErrorAction SilentlyContinue
    sc.exe delete $name
    exit $LASTEXITCODE
}

if (-not (Test-Path $Program)) { throw "$Program is not there: publish the program first, or name it with -Program" }

# An account of its own, without rights elsewhere.
$line = "`"$Program`" serve --home `"$HomeFolder`" $Arguments".Trim()
New-Service -Name $name -BinaryPathName $line -DisplayName 'Swarm node' -Description 'Lends this computer to a swarm that runs language models.' -StartupType AutomaticDelayedStart | Out-Null
sc.exe config $name obj= 'NT SERVICE\swarm' | Out-Null
sc.exe failure $name reset= 86400 actions= restart/15000/restart/60000/restart/300000 | Out-Null
# The key and the invite lie in the home: for the service's own account and administrators, nobody else.
New-Item -ItemType Directory -Force $HomeFolder | Out-Null
icacls $HomeFolder /inheritance:r /grant 'NT SERVICE\swarm:(OI)(CI)F' 'BUILTIN\Administrators:(OI)(CI)F' 'NT AUTHORITY\SYSTEM:(OI)(CI)F' | Out-Null
if ($LASTEXITCODE -ne 0) { throw "the rights of $HomeFolder could not be set" }
if ($Invite) { @{ join = $Invite } | ConvertTo-Json | Set-Content -Encoding ascii (Join-Path $HomeFolder 'swarm.json') }

Start-Service $name
Get-Service $name

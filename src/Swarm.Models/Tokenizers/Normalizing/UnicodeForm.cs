namespace Swarm.Models.Tokenizers.Normalizing;

/// <summary>The four normalization forms of UAX #15.</summary>
internal enum UnicodeForm
{
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
}

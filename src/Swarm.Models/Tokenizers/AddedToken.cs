namespace Swarm.Models.Tokenizers;

/// <summary>A token recognised in text before the model's own splitting.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text.</param>
/// <param name="Special">Left out when special tokens are skipped.</param>
/// <param name="Normalized">Looked for in the normalized text (its content normalized too) rather than in the text as written.</param>
/// <param name="StripLeft">Swallows white space before it.</param>
/// <param name="StripRight">Swallows white space behind it.</param>
/// <param name="SingleWord">Recognised only where no word character touches it.</param>
internal sealed record AddedToken(
    int Id, string Content, bool Special, bool Normalized = false, bool StripLeft = false, bool StripRight = false, bool SingleWord = false);

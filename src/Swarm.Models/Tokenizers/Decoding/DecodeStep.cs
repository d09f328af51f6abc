namespace Swarm.Models.Tokenizers.Decoding;

/// <summary>
/// Makes a stage. <c>eager</c>: give each character as soon as its last byte is there; otherwise a run of byte tokens that is not UTF-8 as a whole becomes
/// U+FFFD byte by byte, as the reference library decodes.
/// </summary>
internal delegate DecodeStage DecodeStep(bool eager);

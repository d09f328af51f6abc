namespace Swarm.Models.Tokenizers.Decoding;

/// <summary>The replacement back to spaces; in the first token it goes away where one was put in front.</summary>
internal sealed class MetaspaceStage(char replacement, bool prepended) : DecodeStage
{
    private bool _first = true;

    public override void Push(string token)
    {
        string text = _first && prepended
            ? token.Replace(replacement.ToString(), "", StringComparison.Ordinal)
            : token.Replace(replacement, ' ');
        _first = false;
        Emit(text);
    }

    public override void Finish()
    {
        _first = true;
        base.Finish();
    }
}

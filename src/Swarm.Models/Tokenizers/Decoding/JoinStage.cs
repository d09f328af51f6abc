namespace Swarm.Models.Tokenizers.Decoding;

/// <summary>Puts a space between tokens: what a file without a decoder means.</summary>
internal sealed class JoinStage : DecodeStage
{
    private bool _first = true;

    public override void Push(string token)
    {
        Emit(_first ? token : " " + token);
        _first = false;
    }

    public override void Finish()
    {
        _first = true;
        base.Finish();
    }
}

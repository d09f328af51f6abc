using System.Text;

namespace Swarm.Models.Tokenizers.Decoding;

/// <summary>Spellings in the byte alphabet to UTF-8.</summary>
internal sealed class ByteLevelStage : DecodeStage
{
    private readonly Utf8Tail _tail = new();
    private readonly StringBuilder _ready = new();

    public override void Push(string token)
    {
        ByteAlphabet.AppendBytes(_tail.Bytes, token);
        Give(all: false);
    }

    public override void Finish()
    {
        Give(all: true);
        base.Finish();
    }

    private void Give(bool all)
    {
        _tail.Take(_ready, perByte: false, all);
        string text = _ready.ToString();
        _ready.Clear();
        Emit(text);
    }
}

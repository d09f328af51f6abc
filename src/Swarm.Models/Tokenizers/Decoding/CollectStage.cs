using System.Text;

namespace Swarm.Models.Tokenizers.Decoding;

/// <summary>The end of a chain.</summary>
internal sealed class CollectStage : DecodeStage
{
    private readonly StringBuilder _text = new();

    public override void Push(string token) => _text.Append(token);

    public string Take()
    {
        if (_text.Length == 0)
            return "";
        string taken = _text.ToString();
        _text.Clear();
        return taken;
    }
}

using System.Text;

namespace Swarm.Models.Tests.Files;

/// <summary>Writes GGUF files as a test wants them, also wrong ones.</summary>
internal sealed class GgufBuilder
{
    private readonly MemoryStream _metadata = new();
    private readonly MemoryStream _headers = new();
    private readonly MemoryStream _data = new();

    public ulong KeyCount { get; set; }

    public ulong TensorCount { get; set; }

    public uint Magic { get; set; } = 0x46554747;

    public uint Version { get; set; } = 3;

    public GgufBuilder Raw(string key, uint type, byte[] value)
    {
        Text(_metadata, key);
        _metadata.Write(BitConverter.GetBytes(type));
        _metadata.Write(value);
        KeyCount++;
        return this;
    }

    public GgufBuilder UInt32(string key, uint value) => Raw(key, 4, BitConverter.GetBytes(value));

    public GgufBuilder Float32(string key, float value) => Raw(key, 6, BitConverter.GetBytes(value));

    public GgufBuilder String(string key, string value)
    {
        using var stream = new MemoryStream();
        Text(stream, value);
        return Raw(key, 8, stream.ToArray());
    }

    /// <param name="innermostFirst">Dimensions as GGUF orders them.</param>
    /// <param name="offset">Null places the tensor behind the others.</param>
    public GgufBuilder Tensor(string name, ulong[] innermostFirst, uint type, byte[] bytes, ulong? offset = null)
    {
        while (_data.Length % 32 != 0)
            _data.WriteByte(0);
        Text(_headers, name);
        _headers.Write(BitConverter.GetBytes((uint)innermostFirst.Length));
        foreach (ulong length in innermostFirst)
            _headers.Write(BitConverter.GetBytes(length));
        _headers.Write(BitConverter.GetBytes(type));
        _headers.Write(BitConverter.GetBytes(offset ?? (ulong)_data.Length));
        _data.Write(bytes);
        TensorCount++;
        return this;
    }

    public byte[] Build()
    {
        using var file = new MemoryStream();
        file.Write(BitConverter.GetBytes(Magic));
        file.Write(BitConverter.GetBytes(Version));
        file.Write(BitConverter.GetBytes(TensorCount));
        file.Write(BitConverter.GetBytes(KeyCount));
        file.Write(_metadata.ToArray());
        file.Write(_headers.ToArray());
        while (file.Length % 32 != 0)
            file.WriteByte(0);
        file.Write(_data.ToArray());
        return file.ToArray();
    }

    private static void Text(Stream stream, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        stream.Write(BitConverter.GetBytes((ulong)bytes.Length));
        stream.Write(bytes);
    }
}

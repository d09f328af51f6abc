using System.IO.Compression;
using System.Text.Json;
using Swarm.Models.Tokenizers;
using Swarm.Testing;

namespace Swarm.Models.Tests.Tokenizers;

/// <summary>Cases that the reference library made, and a tokenizer under test against them.</summary>
internal static class GoldenTokenizers
{
    public static Tokenizer Load(string folder)
    {
        string root = TestData.SharedOrSkip("golden/tokenizers/" + folder);
        byte[] json = Unzip(Path.Combine(root, "tokenizer.json.gz"));
        return TokenizerLoader.FromTokenizerJson(json, File.ReadAllBytes(Path.Combine(root, "tokenizer_config.json")));
    }

    public static byte[] Unzip(string path)
    {
        using var zipped = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var plain = new MemoryStream();
        zipped.CopyTo(plain);
        return plain.ToArray();
    }

    public static List<GoldenCase> Cases(string folder) => Cases(folder, "cases");

    /// <summary>Texts and ids that another project keeps beside the vocabulary: a check that does not rest on the reference library.</summary>
    public static List<GoldenCase> OthersCases(string folder) => Cases(folder, "llama_cpp");

    private static List<GoldenCase> Cases(string folder, string list)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(TestData.SharedOrSkip($"golden/tokenizers/{folder}/expected.json")));
        return [.. document.RootElement.GetProperty(list).EnumerateArray().Select(GoldenCase.Read)];
    }

    /// <summary>Every difference from the file: ids with and without the template, decoded texts, and what a stream had given after each token.</summary>
    public static List<string> Differences(Tokenizer tokenizer, IEnumerable<GoldenCase> cases)
    {
        var found = new List<string>();
        int index = 0;
        foreach (GoldenCase c in cases)
        {
            string at = $"case {index++} '{c.Text}'";
            Compare(at + " ids", c.Ids, tokenizer.Encode(c.Text));
            Compare(at + " special ids", c.IdsSpecial, tokenizer.Encode(c.Text, addSpecial: true));
            Compare(at + " decoded", c.Decoded, tokenizer.Decode(c.Ids));
            Compare(at + " decoded with special", c.DecodedSpecial, tokenizer.Decode(c.IdsSpecial));
            if (c.DecodedSkip is not null)
                Compare(at + " decoded without special", c.DecodedSkip, tokenizer.Decode(c.IdsSpecial, skipSpecial: true));
            if (c.Stream is null)
                continue;
            StreamingDetokenizer stream = tokenizer.CreateStream();
            var lengths = new List<int>();
            string text = "";
            foreach (int id in c.Ids)
            {
                text += stream.Push(id);
                lengths.Add(text.Length);
            }

            Compare(at + " stream", c.Stream, lengths);
            Compare(at + " streamed text", c.Decoded, text + stream.Flush());
        }

        return found;

        void Compare<T>(string what, IEnumerable<T> expected, IEnumerable<T> actual)
        {
            if (!expected.SequenceEqual(actual))
                found.Add($"{what}: expected [{Show(expected)}], got [{Show(actual)}]");
        }
    }

    private static string Show<T>(IEnumerable<T> values) => values is string text ? text : string.Join(",", values);
}

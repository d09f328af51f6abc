using System.Text;
using System.Text.Json;
using Swarm.Models.Tokenizers;
using Swarm.Testing.Fuzzing;
using Xunit.Abstractions;

namespace Swarm.Models.Tests.Fuzzing;

public sealed class TokenizerFuzzTests(ITestOutputHelper output)
{
    private const string Text = "Hello, wörld! it's 12345  <s>a b<|x|>\n\n\ud83d\ude42 \u65e5\u672c\u8a9e e\u0301 \0\u200b aaaaaaaaaaaaaaaaaaaa";

    [Fact]
    public void TokenizerJson_BrokenText_FailsOnlyAsPromised() => FuzzCheck.Run(
        new FuzzTarget
        {
            Name = "tokenizer.json",
            Seeds = [ByteLevel(), Metaspace(), Unigram()],
            Mutators = [new JsonMutator(), new JsonMutator(), new ByteMutator()],
            Parse = bytes =>
            {
                Tokenizer tokenizer = TokenizerLoader.FromTokenizerJson(bytes);
                int[] ids = tokenizer.Encode(Text, addSpecial: true);
                string text = tokenizer.Decode(ids);
                StreamingDetokenizer stream = tokenizer.CreateStream();
                foreach (int id in ids.Take(20))
                    stream.Push(id);
                stream.Flush();
                return text.Length > 0 ? "used" : "empty";
            },
            TypedError = ModelErrors.Typed,
            PassedHeader = (_, error) => ModelErrors.PastJson(error),
        },
        output);

    private static byte[] ByteLevel() => Json("""
        {"version":"1.0","added_tokens":[{"id":300,"content":"<|x|>","special":true,"normalized":false,"lstrip":false,"rstrip":true,"single_word":false},{"id":301,"content":"<s>","special":true}],
         "normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "},{"type":"Strip","strip_left":true,"strip_right":false}]},
         "pre_tokenizer":{"type":"Sequence","pretokenizers":[
           {"type":"Split","pattern":{"Regex":"(?i:'s|'t|'re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},"behavior":"Isolated","invert":false},
           {"type":"Digits","individual_digits":true},{"type":"Punctuation","behavior":"Contiguous"},{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]},
         "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{"<s>":{"id":"<s>","ids":[301],"tokens":["<s>"]}}},
         "decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},
         "model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":"","end_of_word_suffix":"","fuse_unk":false,"byte_fallback":false,"ignore_merges":true,"vocab":VOCAB,"merges":["a a","aa aa","\u0120 a","l l","H e","He ll"]}}
        """, [.. Alphabet(), "aa", "aaaa", "\u0120a", "ll", "He", "Hell"]);

    private static byte[] Metaspace() => Json("""
        {"version":"1.0","added_tokens":[{"id":0,"content":"<unk>","special":true},{"id":1,"content":"<s>","special":true}],
         "normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"\u2581"},{"type":"Replace","pattern":{"String":" "},"content":"\u2581"},{"type":"Lowercase"}]},
         "pre_tokenizer":{"type":"Metaspace","replacement":"\u2581","prepend_scheme":"first","split":true},
         "post_processor":{"type":"BertProcessing","sep":["<s>",1],"cls":["<s>",1]},
         "decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"\u2581"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},
         "model":{"type":"BPE","unk_token":"<unk>","fuse_unk":true,"byte_fallback":true,"vocab":VOCAB,"merges":[["a","a"],["\u2581","a"],["l","l"]]}}
        """, ["<unk>", "<s>", .. Enumerable.Range(0, 256).Select(b => $"<0x{b:X2}>"), "\u2581", .. Enumerable.Range('a', 26).Select(c => ((char)c).ToString()), "aa", "\u2581a", "ll"]);

    private static byte[] Unigram() => """
        {"version":"1.0","added_tokens":[{"id":0,"content":"<unk>","special":true}],"normalizer":{"type":"NFKC"},"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Metaspace","replacement":"\u2581","add_prefix_space":true}]},
         "post_processor":null,"decoder":{"type":"Metaspace","replacement":"\u2581","add_prefix_space":true},
         "model":{"type":"Unigram","unk_id":0,"byte_fallback":false,"vocab":[["<unk>",0.0],["\u2581",-2.0],["a",-3.0],["\u2581a",-3.5],["aa",-4.0],["l",-4.5],["o",-4.6],["lo",-5.0],["e",-5.1],["h",-5.2],["\u65e5\u672c",-6.0]]}}
        """u8.ToArray();

    private static byte[] Json(string template, IEnumerable<string> tokens) =>
        Encoding.UTF8.GetBytes(template.Replace("VOCAB", JsonSerializer.Serialize(tokens.Select((token, id) => (token, id)).ToDictionary(pair => pair.token, pair => pair.id)), StringComparison.Ordinal));

    /// <summary>The 256 characters that stand for bytes.</summary>
    private static IEnumerable<string> Alphabet()
    {
        int next = 256;
        for (int b = 0; b < 256; b++)
            yield return ((char)(b is (>= 33 and <= 126) or (>= 161 and <= 172) or >= 174 ? b : next++)).ToString();
    }
}

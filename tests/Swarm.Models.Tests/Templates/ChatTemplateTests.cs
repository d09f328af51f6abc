using System.Text.Json;
using Swarm.Models.Templates;

namespace Swarm.Models.Tests.Templates;

public sealed class ChatTemplateTests
{
    [Fact]
    public void Render_PlainMessages_PrintsThemWithTokens()
    {
        ChatTemplate template = ChatTemplate.Parse("{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}");

        string text = template.Render([new ChatMessage("system", "Être bref."), new ChatMessage("user", "a \"b\" <c> \ud83d\ude42")], bosToken: "[B]");

        Assert.Equal("[B]<system>Être bref.<user>a \"b\" <c> \ud83d\ude42<assistant>", text);
        Assert.Equal("<user>a", template.Render([new ChatMessage("user", "a")], addGenerationPrompt: false));
    }

    [Theory]
    [InlineData("{% for m in messages %}{{ m.content }}<end>{% endfor %}", "q<end>half ")]
    [InlineData("{% for m in messages %}{{ m.content|trim }}<end>{% endfor %}", "q<end>half")]
    public void Render_ContinueFinalMessage_EndsInsideTheLastMessage(string source, string expected)
    {
        string text = ChatTemplate.Parse(source).Render(new ChatTemplateInput
        {
            Messages = Json("""[{"role":"user","content":"q"},{"role":"assistant","content":"half "}]"""),
            ContinueFinalMessage = true,
        });

        Assert.Equal(expected, text);
    }

    [Theory]
    [InlineData("{{ messages }}", """[{"role":"assistant","content":null}]""")]
    [InlineData("{{ messages }}", "[]")]
    [InlineData("{{ messages[0].role }}", """[{"role":"assistant","content":"x"}]""")]
    public void Render_ContinueFinalMessageWithoutText_IsInvalidInput(string source, string messages) =>
        Assert.Equal(TemplateErrorKind.InvalidInput, Fails(source, new ChatTemplateInput { Messages = Json(messages), ContinueFinalMessage = true }).Kind);

    [Fact]
    public void Render_NamesOfAConversation_ExistOnlyWithMessages()
    {
        ChatTemplate template = ChatTemplate.Parse("{{ tools is none }} {{ documents is none }} {{ bos_token is defined }} {{ add_generation_prompt is defined }}");

        Assert.Equal("True True False True", template.Render(new ChatTemplateInput { Messages = Json("[]") }));
        Assert.Equal("False False False False", template.Render(new ChatTemplateInput()));
    }

    [Fact]
    public void Render_Thoughts_AreFoundUnderBothNames() => Assert.Equal("t t False", ChatTemplate.Parse(
        "{% for m in messages %}{{ m.thinking }} {{ m.reasoning_content }} {{ m.content is defined }}{% endfor %}").Render(
        new ChatTemplateInput { Messages = Json("""[{"role":"assistant","thinking":"t","content":null}]""") }));

    [Theory]
    [InlineData("{{ ''.__class__.__mro__ }}")]
    [InlineData("{{ l.append(1) }}")]
    [InlineData("{{ d.update(d) }}")]
    [InlineData("{{ d['__class__']() }}")]
    [InlineData("{{ l|attr('clear')() }}")]
    [InlineData("{{ '{0.__class__.x}'.format(l) }}")]
    public void Render_WhatTheSandboxWithholds_IsASecurityError(string source) =>
        Assert.Equal(TemplateErrorKind.SecurityError, Fails(source, Variables("""{"l":[],"d":{}}""")).Kind);

    [Theory]
    [InlineData("{% for a in r %}{% for b in r %}{% for c in r %}{% for d in r %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")]
    [InlineData("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}")]
    [InlineData("{{ 'a' * 1000000000 }}")]
    [InlineData("{{ [0] * 1000000000 }}")]
    [InlineData("{{ range(1000000000) }}")]
    [InlineData("{{ 10 ** 1000000000 }}")]
    [InlineData("{% set n = namespace(x=7) %}{% for i in r %}{% set n.x = n.x * n.x %}{% endfor %}")]
    [InlineData("{% set n = namespace(x='ab') %}{% for i in r %}{% set n.x = n.x + n.x %}{% endfor %}")]
    [InlineData("{% set n = namespace(x=[]) %}{% for i in r %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}")]
    [InlineData("{% set n = namespace(x=[], y=[]) %}{% for i in r %}{% set n.x = [n.x] %}{% set n.y = [n.y] %}{% endfor %}{{ n.x == n.y }}")]
    [InlineData("{% set n = namespace(x=[]) %}{% for i in r %}{% set n.x = [n.x] %}{% endfor %}{{ n.x|tojson }}")]
    [InlineData("{% set n = namespace() %}{% set n.x = n %}{{ n }}")]
    [InlineData("{% set n = namespace(x=[1]) %}{% for i in r %}{% for j in r %}{% set n.x = n.x|map('upper') %}{% endfor %}{% endfor %}{{ n.x|list }}")]
    [InlineData("{{ '%1000000000d' % 1 }}")]
    [InlineData("{{ 'x'.center(1000000000) }}")]
    [InlineData("{{ 'x'|indent(1000000000, true) }}")]
    [InlineData("{{ ('a' * 100000)|replace('', 'b' * 100000) }}")]
    [InlineData("{{ r|tojson(indent=100000000) }}")]
    [InlineData("{% set n = namespace(x='ab') %}{% for i in r %}{% for j in r %}{{ 'a' * 10000 }}{% endfor %}{% endfor %}")]
    [InlineData("{{ (r|batch(1, 'x')|list)|batch(100000000, 'x')|list }}")]
    [InlineData("{% set n = namespace(x=(1,)) %}{% for i in r[:15] %}{% set n.x = (n.x, n.x, n.x, n.x, n.x, n.x, n.x, n.x) %}{% endfor %}{{ {n.x: 1} }}")]
    [InlineData("{% set a = 'a' * 4000000 %}{% set b = 'a' * 2000000 ~ 'b' %}{% for i in r %}{{ b in a }}{% endfor %}")]
    [InlineData("{% set s = '\ud83d\ude42' * 1000000 %}{% for i in r %}{% for j in r %}{{ s[5] }}{% endfor %}{% endfor %}")]
    [InlineData("{% set s = 'k' * 4000000 %}{% set d = {s: 1} %}{% for i in r %}{% for j in r %}{{ d[s] }}{% endfor %}{% endfor %}")]
    public void Render_Greed_StopsAtALimit(string source)
    {
        ChatTemplateInput input = Variables($$"""{"r":[{{string.Join(',', Enumerable.Range(0, 100))}}]}""");
        ChatTemplate template = ChatTemplate.Parse(source);
        long before = GC.GetAllocatedBytesForCurrentThread();

        TemplateErrorKind kind = Assert.Throws<TemplateException>(() => template.Render(input)).Kind;

        Assert.Equal(TemplateErrorKind.LimitExceeded, kind);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1L << 30);
    }

    [Fact]
    public void Render_LongConversationWithManyTools_StaysFarFromTheLimits()
    {
        string text = new('x', 1000);
        string messages = string.Join(',', Enumerable.Range(0, 500).Select(i => $$"""{"role":"{{(i % 2 == 0 ? "user" : "assistant")}}","content":"{{text}} </think> {{i}}"}"""));
        const string Tool = """{"type":"function","function":{"name":"f","description":"DESCRIPTION","parameters":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"number"}}}}}""";
        string tools = string.Join(',', Enumerable.Repeat(Tool.Replace("DESCRIPTION", text[..200], StringComparison.Ordinal), 200));
        ChatTemplate template = ChatTemplate.Parse(
            "{{ tools|tojson(indent=4) }}{{ tools }}{% for m in messages %}{% if '</think>' in m.content %}{{ m.content.split('</think>')[-1]|trim }}{% endif %}{{ (m.content|replace('x', 'yy')).strip() }}{% endfor %}",
            TemplateLimits.Default with { Steps = TemplateLimits.Default.Steps / 4 });

        string rendered = template.Render(new ChatTemplateInput { Messages = Json($"[{messages}]"), Tools = Json($"[{tools}]") });

        Assert.InRange(rendered.Length, 1_000_000, 2_000_000);
    }

    [Theory]
    [InlineData("(")]
    [InlineData("[")]
    [InlineData("not ")]
    [InlineData("-")]
    [InlineData("x[")]
    [InlineData("f(")]
    [InlineData("{1:")]
    [InlineData("1 if x else ")]
    public void Parse_DeepExpression_IsRefused(string opening)
    {
        ModelException error = Assert.Throws<ModelException>(() => ChatTemplate.Parse("{{ " + string.Concat(Enumerable.Repeat(opening, 50_000)) + " }}"));

        Assert.Equal(ModelError.CorruptModel, error.Error);
    }

    [Theory]
    [InlineData("|trim")]
    [InlineData(".x")]
    [InlineData("[0]")]
    [InlineData("()")]
    public void Render_LongChain_IsALimitNotACrash(string link)
    {
        ChatTemplate template = ChatTemplate.Parse("{{ x" + string.Concat(Enumerable.Repeat(link, 50_000)) + " }}");

        Assert.Equal(TemplateErrorKind.LimitExceeded, Assert.Throws<TemplateException>(() => template.Render(new ChatTemplateInput())).Kind);
    }

    [Fact]
    public void Render_LongSumOfStrings_NeedsNoDepth()
    {
        ChatTemplate template = ChatTemplate.Parse("{{ 'a'" + string.Concat(Enumerable.Repeat(" + 'b'", 2_000)) + " }}");

        Assert.Equal("a" + new string('b', 2_000), template.Render(new ChatTemplateInput()));
    }

    [Fact]
    public void Parse_DeepStatements_IsRefused() => Assert.Equal(
        ModelError.CorruptModel, Assert.Throws<ModelException>(() => ChatTemplate.Parse(string.Concat(Enumerable.Repeat("{% if x %}", 50_000)))).Error);

    [Theory]
    [InlineData("{% include 'x' %}", "include")]
    [InlineData("{% extends 'x' %}", "extends")]
    [InlineData("{% block x %}{% endblock %}", "block")]
    [InlineData("a\n{% nosuchtag %}", "nosuchtag")]
    [InlineData("{{ 1|nosuchfilter }}", "nosuchfilter")]
    [InlineData("{% if 1 is nosuchtest(2) and x %}{% for i in x %}{{ i is nosuchtest }}{% endfor %}{% endif %}", "nosuchtest")]
    public void Parse_UnknownConstruct_IsNamed(string source, string name)
    {
        ModelException error = Assert.Throws<ModelException>(() => ChatTemplate.Parse(source));

        Assert.Equal(ModelError.UnsupportedModel, error.Error);
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
        Assert.Contains("line ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Render_UnknownFilterInABranch_FailsOnlyWhenReached()
    {
        ChatTemplate template = ChatTemplate.Parse("{% if x %}{{ 1|nosuchfilter }}{% endif %}ok{{ 1|nosuchfilter if x else '' }}");

        Assert.Equal("ok", template.Render(new ChatTemplateInput()));
        Assert.Equal(TemplateErrorKind.RuntimeError, Assert.Throws<TemplateException>(() => template.Render(Variables("""{"x":1}"""))).Kind);
    }

    [Theory]
    [InlineData("{% if x %}")]
    [InlineData("{% endfor %}")]
    [InlineData("{% break %}")]
    [InlineData("{{ x")]
    [InlineData("{# x")]
    [InlineData("{% raw %}x")]
    [InlineData("{{ [1, 2 }}")]
    [InlineData("{{ 'x }}")]
    [InlineData("{{ x y }}")]
    [InlineData("{% set true = 1 %}")]
    [InlineData("{% for 1 in x %}{% endfor %}")]
    [InlineData("{% macro f(a, a) %}{% endmacro %}")]
    [InlineData("{% macro f(a=1, b) %}{% endmacro %}")]
    [InlineData("{{ f(a=1, 2) }}")]
    [InlineData("{{ '\\x1' }}")]
    [InlineData("{{ 007 }}")]
    [InlineData("{{ $ }}")]
    public void Parse_SyntaxError_IsCorrupt(string source) =>
        Assert.Equal(ModelError.CorruptModel, Assert.Throws<ModelException>(() => ChatTemplate.Parse(source)).Error);

    [Fact]
    public void Parse_SourceOverTheLimit_IsRefused() => Assert.Equal(
        ModelError.CorruptModel, Assert.Throws<ModelException>(() => ChatTemplate.Parse("abc", new TemplateLimits { SourceChars = 2 })).Error);

    [Fact]
    public void Render_HalfASurrogatePair_IsInvalidInput() => Assert.Equal(
        TemplateErrorKind.InvalidInput, Fails("{{ messages }}", new ChatTemplateInput { Messages = Json("""[{"role":"user","content":"\ud83d"}]""") }).Kind);

    // Text beyond the basic plane counts by code points, as Python does; the values were taken from CPython 3.11 and jinja2 3.1.6.
    [Theory]
    [InlineData("{{ s|length }} {{ s[1] }} {{ s[-1] }} {{ s[1:3] }} {{ s[::-1] }} {{ s.find('z') }} {{ s|list }}", "4 b z b\ud83d\ude42 z\ud83d\ude42b\ud83d\ude42 3 ['\ud83d\ude42', 'b', '\ud83d\ude42', 'z']")]
    [InlineData("{{ s.strip('\ud83d\ude42') }} {{ s.center(8, '*') }} {{ s > '\uffff' }} {{ s|urlencode }}", "b\ud83d\ude42z **\ud83d\ude42b\ud83d\ude42z** True %F0%9F%99%82b%F0%9F%99%82z")]
    [InlineData("{{ [0.1, 1e16, 123456789012345680.0, 1e-5, 0.0001, 5e-324, -0.0, 2.0] }}", "[0.1, 1e+16, 1.2345678901234568e+17, 1e-05, 0.0001, 5e-324, -0.0, 2.0]")]
    [InlineData("{{ 2.5|round }} {{ 3.5|round }} {{ 0.125|round(2) }} {{ 2.675|round(2) }} {{ 1234|round(-2) }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7.5 // -2 }}", "2.0 4.0 0.12 2.67 1200 -4 2 -4.0")]
    [InlineData("{{ '%05d|%-6s|%+.2f|%x|%e|%g|%%|%r' % (42, 'ab', 3.14159, 255, 12345.678, 0.00001, 'q') }}", "00042|ab    |+3.14|ff|1.234568e+04|1e-05|%|'q'")]
    [InlineData("{{ \"it's\"|list|string }} {{ ['a\"b', \"c'd\", 'e\\n\\x07\\u200b'] }}", "['i', 't', \"'\", 's'] ['a\"b', \"c'd\", 'e\\n\\x07\\u200b']")]
    [InlineData("{{ {1: 'a', 1.0: 'b', true: 'c'} }} {{ 1 in {true: 0} }} {{ (1,) }} {{ 1 == true }} {{ 10 ** 20 }}", "{1: 'c'} True (1,) True 100000000000000000000")]
    public void Render_PythonText_IsPythons(string source, string expected) =>
        Assert.Equal(expected, ChatTemplate.Parse(source).Render(Variables("""{"s":"🙂b🙂z"}""")));

    [Theory]
    [InlineData("{% macro f(a, b=a) %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1) }} {{ f(1, 2, 3, k=4) }}", "11(){} 12(3,){'k': 4}")]
    [InlineData("{% macro f(a) %}<{{ caller(a) }}>{% endmacro %}{% call(x) f(3) %}{{ x + 1 }}{% endcall %}", "<4>")]
    [InlineData("{% for x in [1, [2, [3]]] recursive %}{{ loop.depth }}{% if x is iterable %}{{ loop(x) }}{% else %}={{ x }};{% endif %}{% endfor %}", "1=1;12=2;23=3;")]
    [InlineData("{% set x = 1 %}{% macro f() %}{{ x }}{% endmacro %}{% set x = 2 %}{{ f() }}{% with x = 3 %}{{ x }}{{ f() }}{% endwith %}{{ x }}", "2322")]
    [InlineData("{% for x in [1, 2, 3] %}{% set y %}{{ x }}{% if x == 2 %}{% continue %}{% endif %}{% endset %}[{{ y }}]{% endfor %}", "[1][3]")]
    [InlineData("{% set j = joiner('; ') %}{% for x in [1, 2] %}{{ j() }}{{ x }}{% endfor %}{% set c = cycler(1, 2) %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}", "1; 21212")]
    [InlineData("{{ ('<b>'|safe) + '<i>' }}{{ '<'|e }}{{ ('<'|e)|length }}", "<b>&lt;i&gt;&lt;4")]
    [InlineData("{{ messages is defined and (messages|selectattr('x')) is iterable }}{% if []|select %}always{% endif %}", "Falsealways")]
    [InlineData("{{ 'a\\tbc\\td\\n\\te'.expandtabs(4) }}|{% macro f() %}{{ kwargs }}{% endmacro %}{% call f() %}{% endcall %}", "a   bc  d\n    e|{'caller': <Macro anonymous>}")]
    [InlineData("{{ 'a' 'b' }}{{ x.0 }}{{ x[-1] }}{{ x[:1] }}", "ab[]")]
    public void Render_StatementsTogether_FollowTheReference(string source, string expected) =>
        Assert.Equal(expected, ChatTemplate.Parse(source).Render(Variables("""{"x":[]}""")));

    private static TemplateException Fails(string source, ChatTemplateInput input) => Assert.Throws<TemplateException>(() => ChatTemplate.Parse(source).Render(input));

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;

    private static ChatTemplateInput Variables(string json) => new() { Variables = Json(json).EnumerateObject().ToDictionary(member => member.Name, member => member.Value) };
}

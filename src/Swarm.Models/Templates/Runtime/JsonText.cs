using System.Globalization;
using System.Text;
using Swarm.Models.Templates.Values;

namespace Swarm.Models.Templates.Runtime;

/// <summary>
/// The <c>tojson</c> of chat templates: Python's <c>json.dumps</c> that neither escapes HTML nor, unless asked, what is not ASCII.
/// </summary>
internal sealed class JsonText(RenderContext context, JsonTextOptions options)
{
    private readonly StringBuilder _result = new();
    private int _level;

    public static string Write(RenderContext context, Value value, JsonTextOptions options)
    {
        var writer = new JsonText(context, options);
        writer.Append(value);
        return writer._result.ToString();
    }

    private void Append(Value value)
    {
        context.Charge();
        switch (value)
        {
            case NoneValue:
                _result.Append("null");
                break;
            case BoolValue flag:
                _result.Append(flag.Flag ? "true" : "false");
                break;
            case IntValue number:
                _result.Append(number.Number.ToString(CultureInfo.InvariantCulture));
                break;
            case FloatValue number:
                _result.Append(Float(number.Number));
                break;
            case StringValue text:
                AppendString(text.Text);
                break;
            case ListValue list:
                AppendList(list);
                break;
            case DictValue dict:
                AppendDict(dict);
                break;
            default:
                throw Errors.Type($"Object of type {value.TypeName} is not JSON serializable");
        }

        if (_result.Length > context.Limits.StringChars)
            throw RenderContext.Limit("a string", context.Limits.StringChars);
    }

    private static string Float(double number) =>
        double.IsNaN(number) ? "NaN" : double.IsInfinity(number) ? number > 0 ? "Infinity" : "-Infinity" : PyNumber.Repr(number);

    private void AppendList(ListValue list)
    {
        Open('[');
        for (int i = 0; i < list.Items.Count; i++)
        {
            Separate(i);
            Append(list.Items[i]);
        }

        Close(']', list.Items.Count);
    }

    private void AppendDict(DictValue dict)
    {
        Open('{');
        IEnumerable<KeyValuePair<Value, Value>> entries = dict.Entries;
        if (options.SortKeys)
            entries = Sequences.Sort(context, dict.Entries, entry => entry.Key, reverse: false);
        int i = 0;
        foreach ((Value key, Value value) in entries)
        {
            Separate(i++);
            AppendString(Key(key));
            _result.Append(options.KeySeparator);
            Append(value);
        }

        Close('}', dict.Entries.Count);
    }

    private static string Key(Value key) => key switch
    {
        StringValue text => text.Text,
        NoneValue => "null",
        BoolValue flag => flag.Flag ? "true" : "false",
        IntValue number => number.Number.ToString(CultureInfo.InvariantCulture),
        FloatValue number => Float(number.Number),
        _ => throw Errors.Type($"keys must be str, int, float, bool or None, not {key.TypeName}"),
    };

    private void Open(char bracket)
    {
        context.EnterValue();
        _level++;
        _result.Append(bracket);
    }

    private void Separate(int index)
    {
        if (index > 0)
            _result.Append(options.ItemSeparator);
        NewLine();
    }

    private void Close(char bracket, int count)
    {
        _level--;
        context.LeaveValue();
        if (count > 0)
            NewLine();
        _result.Append(bracket);
    }

    private void NewLine()
    {
        if (options.Indent is null)
            return;
        long size = (long)options.Indent.Length * _level;
        context.ChargeAppend(_result.Length, size);
        _result.Append('\n');
        for (int i = 0; i < _level; i++)
            _result.Append(options.Indent);
    }

    private void AppendString(string text)
    {
        context.ChargeAppend(_result.Length, text.Length);
        _result.Append('"');
        foreach (char c in text)
        {
            switch (c)
            {
                case '"': _result.Append("\\\""); break;
                case '\\': _result.Append("\\\\"); break;
                case '\n': _result.Append("\\n"); break;
                case '\r': _result.Append("\\r"); break;
                case '\t': _result.Append("\\t"); break;
                case '\f': _result.Append("\\f"); break;
                case '\b': _result.Append("\\b"); break;
                case < ' ': _result.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"); break;
                case > '~' when options.EnsureAscii: _result.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"); break;
                default: _result.Append(c); break;
            }
        }

        _result.Append('"');
    }
}

/// <summary>Arguments of <c>tojson</c>; without an indent everything is on one line.</summary>
internal sealed record JsonTextOptions(string? Indent, string ItemSeparator, string KeySeparator, bool EnsureAscii, bool SortKeys);
